"""A sweep's folder: what its trials are made of.

``sweeps/<id>/`` holds for a search ``spec.json``, ``template.ipynb`` and ``env.json`` (0600, until the sweep
has ended), and nothing for a plain grid, whose jobs were queued with it; that there is a folder says that the
sweep is of this home.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...entities import SweepSpec
from ..jobs.template_folder import TemplateFolder


class SweepFolder(TemplateFolder[SweepSpec]):
    """The folder of one sweep."""

    kind = SweepSpec
    place = "sweeps"
    noun = "sweep"
    remedy = "submit the search anew"

    def create(self, spec: SweepSpec, notebook: bytes, environment: Mapping[str, str]) -> None:
        """Write that of a search; nothing is left where that cannot be done."""
        with self._being_made():
            self._write(spec, notebook, environment)

    def create_empty(self) -> None:
        """That of a plain grid."""
        with self._being_made():
            pass

    @property
    def is_search(self) -> bool:
        """Whether trials are made of it, even where one of its files is lost."""
        return self._spec.exists() or self._template.exists()

    def forget_environment(self) -> None:
        self._environment.unlink(missing_ok=True)
