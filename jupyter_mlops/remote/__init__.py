"""Folders behind fsspec URLs, and how a growing tree of files is shipped through one."""
