"""What is kept beside a model: an example of its input, the signature that it shows, lock file and code."""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...capture.packages import lock_text
from ...entities import ModelVersion, Signature
from ...errors import InvalidInput, NotFound
from ...protocols.blobs import BlobStore
from . import examples
from .flavours import storing
from .flavours.flavour import Flavour
from .signatures import signature_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A signature, and the kept example that shows it."""

    signature: Signature | None = None
    digest: str | None = None
    name: str = ""


class ModelEvidence:
    """Gathers it, and never keeps a model from being registered for want of some."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def example(self, model: Any, flavour: Flavour, example: Any = None) -> Example:
        """The signature by an example, else by what the model says of itself.

        The first rows are predicted with; what fails costs a warning.
        """
        if example is None:
            return Example(signature=_said(model, flavour))
        try:
            rows = examples.first_rows(example)
            name, data = examples.encoded(rows)
        except InvalidInput as error:
            warnings.warn(f"The example is not kept: {error.message}", stacklevel=2)
            return Example(signature=_said(model, flavour))
        outputs = _predicted(model, flavour, examples.first_rows(rows))
        return Example(signature=signature_of(rows, outputs), digest=self._blobs.put(data).digest, name=name)

    def kept_example(self, version: ModelVersion) -> Any:
        """The example of a version's input. Raises NotFound where none was given, and Corrupt."""
        label = f"Model {version.name}@{version.version}"
        if version.example_digest is None:
            raise NotFound(f"{label} was registered without an example: register_model(..., example=...).")
        data = self._blobs.get(version.example_digest)
        try:
            return examples.decoded(version.example_name, data)
        except (ValueError, OSError) as error:  # Arrow's errors are ValueErrors
            raise InvalidInput(f"The example of {label} cannot be read: {error}") from error

    def requirements(self) -> str:
        """The digest of what is installed here, for ``pip install -r``."""
        return self._blobs.put(lock_text().encode()).digest

    def code(self, source: str) -> str | None:
        """The digest of a run's code."""
        return self._blobs.put(source.encode()).digest if source else None


def _said(model: Any, flavour: Flavour) -> Signature | None:
    try:
        return flavour.signature(model)
    except Exception as error:  # others' code may raise anything, and a package may be missing
        logger.debug("A model does not tell its inputs", exc_info=error)
        return None


def _predicted(model: Any, flavour: Flavour, rows: Any) -> Any:
    """What comes out for the example; None, with a warning, when that fails.

    A model that is a file is loaded for it, unless that would run its author's code, who may be anybody.
    """
    try:
        if isinstance(model, os.PathLike):
            if flavour.runs_code:
                raise InvalidInput(f"a model of the flavour {flavour.name} is not loaded to be registered")
            model = storing.load(flavour, Path(model), what="The model", trusted=False)
        return flavour.predict(model, rows)
    except Exception as error:  # others' code may raise anything
        logger.debug("The example could not be predicted", exc_info=error)
        text = str(error) or type(error).__name__
        warnings.warn(
            f"The example's outputs are unknown, for predicting it failed: {text}. "
            "The signature has the inputs only.",
            stacklevel=2,
        )
        return None
