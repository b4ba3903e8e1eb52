"""Lists of what is registered, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from ..services.showing.registered import N, Registered, V
from .tables import console, print_json, print_table


def print_registered(kind: Registered[N, V], found: Sequence[N], *, as_json: bool) -> None:
    """All versions of these names; while there are none, how to make the first."""
    if as_json:
        print_json(kind.rows(found))
    elif cells := kind.versions(found):
        print_table(kind.title, tuple(kind.of_versions), cells)
    else:
        console().print(kind.none_yet("jupyter_mlops"))
