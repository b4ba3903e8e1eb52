"""Models: what was trained, with versions, aliases, a signature and a card."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .registry import Details, VersionStatus, pretty, several
from .runs import VersionRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input or output of a model. ``dtype`` is NumPy's name of it (``float64``, ``object``), empty where
    it is not known.

    ``shape`` has None for a dimension of any length, the first of them being the rows; None for a column of a
    table. ``name`` is empty where the values have none.
    """

    name: str
    dtype: str
    shape: list[int | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a model takes and gives, as an example showed it, or as the model says itself.

    Kinds: ``table``, ``array``, ``object``. ``outputs`` is empty where no example could be predicted.
    """

    inputs: list[Field]
    outputs: list[Field]
    input_kind: str = "object"
    output_kind: str = "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One immutable stored model under a model's name. ``version`` is None while pending.

    ``format`` is the flavour that stored it (``cloudpickle``, ``skops``, ``torch``, ...). ``digest`` is
    BLAKE3 of the file, or, with ``is_folder``, of the folder's manifest; ``file_name`` its name where that is
    the model's own (a file or folder as it is). ``packages`` are the versions that
    were installed when it was stored; ``metrics`` those of the run that made it, at that time; ``datasets``
    the versions that this run had read. ``example_digest`` is a kept example of its input (Parquet or
    ``.npy``), ``requirements_digest`` a lock file for ``pip install -r``, ``code_digest`` the source of the
    run. ``aliases`` and ``tags`` are not the version's own: they may change.
    """

    name: str
    version: int | None
    digest: str
    size_bytes: int
    class_name: str
    format: str
    created_at: float
    created_by: str
    is_folder: bool = False
    file_name: str = ""
    signature: Signature | None = None
    example_digest: str | None = None
    example_name: str = ""
    requirements_digest: str | None = None
    code_digest: str | None = None
    run_id: str | None = None
    job_id: str | None = None
    notebook: str | None = None
    datasets: list[VersionRef] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    description: str = ""
    origin: str = ""
    status: VersionStatus = VersionStatus.READY

    @property
    def flavour(self) -> str:
        """The flavour that stored it: ``format``."""
        return self.format

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a cell shows of it: a line (IPython's protocol of pretty printing)."""
        metrics = [f"{name} {value:.4g}" for name, value in self.metrics.items()]
        facts = [self.class_name, self.format, several(self.size_bytes, "byte"), *metrics, *self.aliases]
        printer.text(pretty("ModelVersion", self.name, self.version, facts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A name, its versions (newest first) and which version each alias points at."""

    name: str
    versions: list[ModelVersion]
    aliases: dict[str, int] = field(default_factory=dict)
    details: Details = field(default_factory=Details)
    seq: int = 0

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        aliases = [f"{alias}: {version}" for alias, version in self.aliases.items()]
        printer.text(pretty("Model", self.name, "", [several(len(self.versions), "version"), *aliases]))
