"""Reading runs: ingesting journals, liveness, searching, comparing."""
