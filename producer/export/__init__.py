"""Jobs and their results as files: NDJSON with everything, CSV and Parquet with what fits a table."""
