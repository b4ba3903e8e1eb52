"""Who is asked before a dataset is registered or loaded: expectations and profiles, as the registry sees
them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ...entities import DatasetVersion


class DatasetGuard(Protocol):
    """Looks at the contents of datasets as they come and go.

    ``content()`` gives a local file, or a folder for a version of that kind, called as the version's
    ``file_name`` is; it may have to be fetched, so ask for it only when it is needed.
    """

    def registering(self, version: DatasetVersion, content: Callable[[], Path]) -> None:
        """Before ``version`` gets its number, which is None. Raises ExpectationsFailed to refuse it."""
        ...

    def registered(self, version: DatasetVersion) -> None:
        """After it has got its number; also when this content was there already. Must not raise."""
        ...

    def loading(self, version: DatasetVersion, content: Callable[[], Path]) -> None:
        """Before a user gets the content. Raises ExpectationsFailed to refuse it."""
        ...


class Unguarded:
    """A guard that lets everything pass."""

    def registering(self, version: DatasetVersion, content: Callable[[], Path]) -> None:
        return None

    def registered(self, version: DatasetVersion) -> None:
        return None

    def loading(self, version: DatasetVersion, content: Callable[[], Path]) -> None:
        return None
