"""papermill, without the stores that it can also read notebooks from.

papermill imports the clients of every remote store that is installed: for S3 and Hadoop that takes longer
than all the rest, and brings numpy and its threads. A worker reads its notebook from a folder.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from .jsonschema_import import import_jsonschema

STORES = ("adlfs", "azure", "boto3", "gcsfs", "github", "pyarrow")


def import_papermill() -> None:
    """Import it for local notebooks only, where it is not imported yet."""
    import_jsonschema()  # which papermill loads with nbformat
    if "papermill" in sys.modules:
        return
    with _hidden([name for name in STORES if name not in sys.modules]):
        import_module("papermill")


@contextmanager
def _hidden(names: list[str]) -> Iterator[None]:
    """With modules that cannot be imported: papermill has words of its own for that (``papermill.iorw``)."""
    for name in names:
        sys.modules[name] = None  # type: ignore[assignment]  # import raises ModuleNotFoundError
    try:
        yield
    finally:
        for name in names:
            if sys.modules.get(name, name) is None:
                del sys.modules[name]
