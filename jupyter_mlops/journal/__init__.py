"""Journals: what a run's processes append, and how readers take it in."""

from .layout import JournalKey, active_journals, all_journals, retire
from .reader import Chunk, read_chunk
from .writer import JournalWriter

__all__ = [
    "Chunk",
    "JournalKey",
    "JournalWriter",
    "active_journals",
    "all_journals",
    "read_chunk",
    "retire",
]
