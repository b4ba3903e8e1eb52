"""Models to files and back, with errors that name the model, whatever its flavour raises."""

from __future__ import annotations

import platform
from contextlib import suppress
from dataclasses import replace
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from ....errors import InvalidInput, MissingPackage, MlopsError
from .flavour import Declined, Flavour, Saved
from .known import candidates


def save(model: Any, folder: Path, *, flavour: str | None = None) -> tuple[Flavour, Saved]:
    """Store ``model`` below ``folder`` by the first flavour that takes it, or by the one that is named.

    Raises InvalidInput, with the reason, where none can, and MissingPackage.
    """
    why = f"No flavour takes a {class_name(model)}."
    for number, each in enumerate(candidates(model, flavour)):
        place = folder / str(number)
        place.mkdir()
        try:
            saved = each.save(model, place)
        except Declined as declined:
            why = str(declined)
            continue
        except MlopsError:
            raise
        except Exception as error:  # others' code may raise anything
            raise InvalidInput(
                f"A {class_name(model)} cannot be stored as {each.name}: {type(error).__name__}: {error}. "
                'Another flavour may do: register_model(..., flavour="cloudpickle").'
            ) from error
        return each, replace(saved, packages={"python": platform.python_version(), **saved.packages})
    raise InvalidInput(f"{why}" if flavour is None else f"The flavour {flavour!r} does not do: {why}")


def load(
    flavour: Flavour, path: Path, *, what: str, trusted: bool, packages: dict[str, str] | None = None
) -> Any:
    """The model, called ``what`` in messages (``Model digits@1``).

    Raises MissingPackage when a package is not here, Untrusted, and InvalidInput when it fails otherwise.
    """
    try:
        return flavour.load(path, trusted=trusted)
    except MissingPackage as error:
        raise MissingPackage(f"{what} {error.message}{stored_with(packages)}") from error
    except MlopsError:
        raise
    except ImportError as error:
        top = (error.name or "").partition(".")[0]
        raise MissingPackage(
            f"{what} needs {top or 'a package'!r}, which cannot be imported here: {error}."
            f"{stored_with(packages)}"
        ) from error
    except Exception as error:  # others' code may raise anything
        raise InvalidInput(
            f"{what} cannot be loaded here as {flavour.name}: {type(error).__name__}: {error}."
            f"{stored_with(packages)}"
        ) from error


def needed(module: str, *, extra: str) -> ModuleType:
    """An optional package. Raises MissingPackage with what to install; the model's name goes before it."""
    try:
        return import_module(module)
    except ImportError as error:
        top = module.partition(".")[0]
        if (error.name or top).partition(".")[0] != top:
            raise  # it is here, and lacks something itself
        raise MissingPackage(
            f"needs {top}, which is not installed: pip install 'jupyter-mlops[{extra}]'."
        ) from error


def installed(*distributions: str) -> dict[str, str]:
    """The versions of those that are installed."""
    found = {}
    for each in distributions:
        with suppress(metadata.PackageNotFoundError):
            found[each] = metadata.version(each)
    return found


def class_name(model: Any) -> str:
    kind = type(model)
    return f"{kind.__module__}.{kind.__qualname__}"


def stored_with(packages: dict[str, str] | None) -> str:
    """Says under what a model was stored, so that the same can be installed."""
    if not packages:
        return ""
    wanted = " ".join(f"{name}=={version}" for name, version in packages.items() if name != "python")
    return f" It was stored under Python {packages.get('python', '?')} with: {wanted}"
