"""Revisions, in their order; a released one is never edited."""
