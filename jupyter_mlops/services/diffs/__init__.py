"""What differs between two versions of datasets."""
