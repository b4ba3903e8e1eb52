"""Profiles of contents, kept by their digests."""

from __future__ import annotations

from typing import Protocol

from ..entities import Profile


class ProfileStore(Protocol):
    """One row a content. Every method raises Unavailable when the registry cannot be reached."""

    def get(self, digest: str, *, format: int) -> Profile | None:
        """The profile of a content, None where it has none, or one of another ``format``."""
        ...

    def put(self, profile: Profile, *, format: int) -> None:
        """Keep a profile, in place of what was there."""
        ...
