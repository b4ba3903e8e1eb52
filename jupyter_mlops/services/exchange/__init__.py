"""A model version with its lineage as one file, and back."""
