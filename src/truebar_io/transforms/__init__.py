"""dbt over a private copy of the warehouse: read the project, build it, publish what it made."""
