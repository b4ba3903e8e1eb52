"""What users call; ``jupyter_mlops`` looks its public names up in these modules."""
