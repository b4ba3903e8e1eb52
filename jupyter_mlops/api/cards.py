"""Model cards, what is said of models, and models as files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidInput
from ..services.registry.names import parse_reference
from ..workspace import current

if TYPE_CHECKING:
    from .. import entities


class ModelCard(str):
    """Markdown, which shows itself as such in a notebook, and as it is in a terminal."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return str(self)


def model_card(ref: str) -> ModelCard:
    """The card of a version (``"digits@7"``, ``"digits@champion"``) as Markdown.

    Its facts (class, signature, metrics, data, training, environment, moves of aliases) are made from the
    lineage whenever it is read; what people wrote above and below them stays. Raises NotFound.
    """
    return ModelCard(current().cards.card(ref))


def edit_model(
    ref: str,
    *,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    owner: str | None = None,
    licence: str | None = None,
    card: str | None = None,
) -> entities.ModelVersion | entities.Model:
    """Change what is said of a version (``"digits@7"``), or of the model itself (``"digits"``).

    A tag of None goes. ``card`` is the text of a version's card: take ``model_card(ref)``, change what stands
    above and below its facts, and give it back; an empty text begins anew. The audit trail says who changed
    what. Raises NotFound, Forbidden, and InvalidInput.
    """
    workspace = current()
    wanted = parse_reference(ref)
    of_version = "@" in ref or card is not None
    number = workspace.registry.model_version(ref).version if of_version else None
    said = {"description": description, "tags": tags, "owner": owner, "licence": licence}
    if not tags and all(value is None for value in (description, owner, licence, card)):
        raise InvalidInput(f"Nothing to change of {ref!r}: give description, tags, owner, licence or card.")
    if any(value is not None for value in said.values()):
        workspace.registry.describe("model", wanted.name, number, **said)  # type: ignore[arg-type]
    if card is not None:
        workspace.cards.edit(f"{wanted.name}@{number}", card)
    if number is None:
        return workspace.registry.model(wanted.name)
    return workspace.registry.model_version(f"{wanted.name}@{number}")


def export_model(ref: str, path: str | os.PathLike[str], *, with_data: bool = False) -> Path:
    """Write a version out as one zip file: the model, its card, its training run, the rows of its datasets.

    ``with_data`` takes the contents of the datasets along. Raises NotFound, Corrupt, and Conflict where there
    is something already.
    """
    return current().model_exports.write(ref, _path(path), with_data=with_data)


def import_model(path: str | os.PathLike[str], *, name: str | None = None) -> entities.ModelVersion:
    """Take in a version that was exported elsewhere, under another ``name`` if one is given.

    Every file is verified first; one that was taken in before is the version that is there. It gets the next
    number and no alias. A pickle that came so is loaded only with ``trust=True``. Raises NotFound,
    InvalidInput, Corrupt, Forbidden, and Conflict when its training run is here with other content.
    """
    return current().model_imports.read(_path(path), name=name).version


def _path(given: str | os.PathLike[str]) -> Path:
    if not isinstance(given, (str, os.PathLike)):
        raise InvalidInput(f"A file is named by its path, not {given!r}.")
    return Path(given).expanduser()
