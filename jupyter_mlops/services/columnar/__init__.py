"""Tables looked at by a columnar engine, file by file, without loading them: DuckDB lives here."""
