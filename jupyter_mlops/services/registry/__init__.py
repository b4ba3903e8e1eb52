"""Datasets and models by name and version."""
