"""Errors of magics that people see as one message: where in this package they were raised helps nobody."""

from __future__ import annotations

from ..errors import InvalidInput, MlopsError


class BadArguments(InvalidInput):
    """Arguments of a magic that cannot be used."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self.message}"]


def without_traceback(error: MlopsError) -> MlopsError:
    """The error, to be raised again; IPython then shows its class and its message only."""
    error._render_traceback_ = lambda: [f"{type(error).__name__}: {error.message}"]  # type: ignore[attr-defined]
    return error
