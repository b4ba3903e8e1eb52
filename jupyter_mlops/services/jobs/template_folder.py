"""The folder of what makes jobs again and again: what its files say is the truth, as it is for jobs.

Rows of a team's database can be written by everybody who has its password; what an agent starts must not come
out of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from ...entities import is_id
from ...errors import NotFound
from ...wire import encode
from .folder import create_once, create_private, read_as

S = TypeVar("S")
F = TypeVar("F", bound="TemplateFolder[Any]")


class TemplateFolder(Generic[S]):
    """``spec.json``, the ``template.ipynb`` that each job is made of, and ``env.json`` (0600).

    Its kinds say what is in ``spec.json`` (``kind``), in which folder of a home they lie (``place``), what
    they are called (``noun``), and what helps where one of their files is lost (``remedy``).
    """

    kind: type[S]
    place: ClassVar[str]
    noun: ClassVar[str]
    remedy: ClassVar[str]

    def __init__(self, path: Path) -> None:
        self.path = path
        self._spec, self._template, self._environment = (
            path / name for name in ("spec.json", "template.ipynb", "env.json")
        )

    @classmethod
    def of(cls: type[F], home: Path, owner_id: str) -> F:
        """Raises NotFound for what is no id: a row may say anything, a path to somewhere else too."""
        if not is_id(owner_id):
            raise NotFound(f"No {cls.noun} can have the id {owner_id!r}: its row is damaged or forged.")
        return cls(home / cls.place / owner_id)

    @classmethod
    def find(cls: type[F], home: Path, owner_id: str) -> F | None:
        """None where this home has none of this id."""
        folder = cls.of(home, owner_id) if is_id(owner_id) else None
        return folder if folder is not None and folder.exists() else None

    def remove(self) -> None:
        """The environment first: it may hold secrets."""
        self._environment.unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)

    def exists(self) -> bool:
        return self.path.is_dir()

    def spec(self) -> S:
        """As its author made it. Raises NotFound, or InvalidInput where it is damaged."""
        spec = read_as(self._spec, self.kind)
        if spec is None:
            raise self._lost(self._spec)
        return spec

    def template(self) -> bytes:
        """The notebook that each job is made of. Raises NotFound."""
        try:
            return self._template.read_bytes()
        except FileNotFoundError as error:
            raise self._lost(self._template) from error

    def environment(self) -> dict[str, str]:
        """The environment that it was made from. Raises NotFound, or InvalidInput where it is damaged."""
        environment = read_as(self._environment, dict[str, str])
        if environment is None:
            raise self._lost(self._environment)
        return environment

    @contextmanager
    def _being_made(self) -> Iterator[None]:
        """Nothing is left of it where it cannot be made whole (a full disk)."""
        self.path.mkdir(parents=True, mode=0o700)
        try:
            yield
        except BaseException:
            self.remove()
            raise

    def _write(self, spec: S, notebook: bytes, environment: Mapping[str, str]) -> None:
        """``spec.json`` last, so that a folder with one is whole."""
        self._template.write_bytes(notebook)
        create_private(self._environment, encode(dict(environment)))
        create_once(self._spec, encode(spec))

    def _lost(self, path: Path) -> NotFound:
        return NotFound(f"The {self.noun}'s file {path} is gone: {self.remedy}.")
