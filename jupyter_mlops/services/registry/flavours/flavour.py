"""What a flavour of models has to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ....entities import Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A model in files.

    ``path`` is the file or folder: below the folder that ``save`` was given, or where the user has it.
    ``packages`` are distributions and their versions; Python's own is added by whoever asked.
    """

    path: Path
    class_name: str
    packages: dict[str, str] = field(default_factory=dict)


class Declined(Exception):
    """The model is none of this flavour's after all, for the reason given: the next one is asked."""


@runtime_checkable
class Flavour(Protocol):
    """Stores, loads and uses one kind of models; ``jupyter_mlops.testing.flavours`` says what all must pass.

    Others' flavours are entry points of the group ``jupyter_mlops.flavours``, named as the flavour, that load
    a class without arguments.
    """

    name: str
    """What people write as ``flavour=`` and what versions keep as their ``format``."""
    runs_code: bool
    """Whether loading runs what the model's author put in it, as unpickling does: then who loads must trust
    the author. Without, ``load`` may be given files of anybody, and must take them for data only."""
    deterministic: bool
    """Whether the same model is stored as the same bytes every time."""
    packages: tuple[str, ...]
    """The distributions that loading needs."""

    def accepts(self, model: Any) -> bool:
        """Whether this is the flavour for ``model``, which may be a path.

        Imports no framework: what is not in ``sys.modules`` has made no model.
        """
        ...

    def save(self, model: Any, folder: Path) -> Saved:
        """Write ``model``, that ``accepts`` or the user chose, below the empty ``folder``.

        Raises Declined, MissingPackage, InvalidInput; whatever else is raised becomes InvalidInput.
        """
        ...

    def load(self, path: Path, *, trusted: bool) -> Any:
        """The model from the read-only file or folder that ``save`` wrote, whatever it is called now.

        Where the author is not ``trusted``, nothing of his runs: Untrusted says what would have to. Raises
        MissingPackage; whatever else is raised becomes InvalidInput.
        """
        ...

    def predict(self, model: Any, data: Any) -> Any:
        """What a loaded ``model``, or the one that was saved, makes of ``data``.

        Raises InvalidInput where this flavour has nothing that predicts.
        """
        ...

    def signature(self, model: Any) -> Signature | None:
        """What the model itself says of its inputs, and of its outputs where it does; None for nothing."""
        ...
