"""The `truebar` command line."""
