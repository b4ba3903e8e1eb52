"""What ingesting, and the pages of runs and jobs, want of sealing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from ...journal import JournalKey


class Sealing(Protocol):
    """Sees to it that what only lies in this home also lies in the team's blobs. Nothing here raises."""

    @property
    def shared(self) -> bool:
        """Whether several homes push to one index."""
        ...

    def add(self, keys: Iterable[JournalKey]) -> None:
        """Seal these journals of writers that have ended, soon."""
        ...

    def is_sealed(self, key: JournalKey) -> bool:
        """Whether that is done, or need not be."""
        ...

    def nudge(self) -> None:
        """Somebody reads: seal what else has ended since."""
        ...

    def journals(self) -> Iterator[Mapping[JournalKey, int]]:
        """The journals that any home has sealed, and their sizes, part by part."""
        ...

    def fetched(self, keys: Iterable[JournalKey]) -> AbstractContextManager[Mapping[JournalKey, Path]]:
        """Copies of these journals, for as long as the block; what cannot be had is left out."""
        ...


class NothingSealed:
    """One user, one home: everybody reads the files themselves."""

    shared = False

    def add(self, keys: Iterable[JournalKey]) -> None:
        pass

    def is_sealed(self, key: JournalKey) -> bool:
        return True

    def nudge(self) -> None:
        pass

    def journals(self) -> Iterator[Mapping[JournalKey, int]]:
        return iter(())

    def fetched(self, keys: Iterable[JournalKey]) -> AbstractContextManager[Mapping[JournalKey, Path]]:
        return nullcontext({})
