"""Objects as cloudpickle bytes, and the packages that they need."""

from __future__ import annotations

import io
import pickletools
import platform
import sys
from contextlib import suppress
from functools import lru_cache
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import IO, Any

from ...errors import InvalidInput, MissingPackage

FORMAT = "cloudpickle"
SCANNED_OPCODES = 200_000
"""How far a pickle is read for module names; a model's classes stand near its beginning."""


def dump(model: Any) -> bytes:
    """Raises InvalidInput for what cannot be pickled, with the reason."""
    import cloudpickle

    with io.BytesIO() as file:
        dump_by(cloudpickle.Pickler(file), model)
        return file.getvalue()


def dump_by(pickler: Any, model: Any) -> None:
    """With a pickler of one's own; raises as ``dump``."""
    try:
        pickler.dump(model)
    except Exception as error:  # a __reduce__ may raise anything
        raise InvalidInput(
            f"A {class_name(model)} cannot be pickled: {error}. Register what the model needs to predict, "
            "without open files, locks, connections or generators."
        ) from error


def load(data: bytes, *, what: str, packages: dict[str, str] | None = None) -> Any:
    """The object, called ``what`` in messages (``Model digits@1``).

    Raises MissingPackage when a package is not here, InvalidInput when it fails otherwise.
    """
    return _load(io.BytesIO(data), what, packages)


def load_file(path: Path, *, what: str) -> Any:
    """The object in a file, which is not read whole before; otherwise as ``load``."""
    with path.open("rb") as file:
        return _load(file, what, None)


def _load(file: IO[bytes], what: str, packages: dict[str, str] | None) -> Any:
    import cloudpickle

    try:
        return cloudpickle.load(file)
    except ImportError as error:
        top = (error.name or "").partition(".")[0]
        raise MissingPackage(
            f"{what} needs {top or 'a package'!r}, which cannot be imported here: {error}."
            f"{_stored_with(packages)}"
        ) from error
    except Exception as error:
        raise InvalidInput(
            f"{what} cannot be unpickled here: {type(error).__name__}: {error}.{_stored_with(packages)}"
        ) from error


def class_name(model: Any) -> str:
    kind = type(model)
    return f"{kind.__module__}.{kind.__qualname__}"


def packages_of(data: bytes | IO[bytes]) -> dict[str, str]:
    """Distribution -> version of the modules that a pickle names, and of Python and cloudpickle."""
    tops = {name.partition(".")[0] for name in _modules_named(data)} | {FORMAT}
    found = {"python": platform.python_version()}
    for distribution in sorted({name for top in tops for name in distributions_of(top)}):
        with suppress(metadata.PackageNotFoundError):  # the user's own module, or the standard library's
            found[distribution] = metadata.version(distribution)
    return found


def distributions_of(top: str) -> list[str]:
    """The distributions that have a top-level module; one of its name where nobody says."""
    return _distributions().get(top, [top])


def _modules_named(data: bytes | IO[bytes]) -> set[str]:
    """The strings of a pickle that are names of loaded modules.

    Global names, and modules that cloudpickle imports by name, are plain strings in protocol 4 and
    later (https://docs.python.org/3/library/pickletools.html).
    """
    strings = (
        argument
        for opcode, argument, _ in islice(pickletools.genops(data), SCANNED_OPCODES)
        if isinstance(argument, str) and opcode.name.endswith(("UNICODE", "UNICODE8", "GLOBAL"))
    )
    return {text.split(" ")[0] for text in strings if text.split(" ")[0] in sys.modules}


@lru_cache(maxsize=1)
def _distributions() -> dict[str, list[str]]:
    """Distributions by top-level module; reading them all takes a quarter of a second.

    Python 3.10 knows only those with a ``top_level.txt``; most others are called like their module.
    """
    return dict(metadata.packages_distributions())


def _stored_with(packages: dict[str, str] | None) -> str:
    if packages is None:
        return ""
    wanted = " ".join(f"{name}=={version}" for name, version in packages.items() if name != "python")
    return f" It was stored under Python {packages.get('python', '?')} with: {wanted}"
