"""Connect truebar to files, DuckDB, dbt and MLflow."""
