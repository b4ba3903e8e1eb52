"""Blob stores: contents by their BLAKE3 digest, on the local disk or behind any fsspec URL."""
