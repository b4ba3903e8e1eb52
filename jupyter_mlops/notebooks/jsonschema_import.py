"""jsonschema, which nbformat loads, without the seconds that it can take.

Where Jupyter Server has brought rfc3987_syntax, jsonschema 4.25 and later import it, and that compiles nearly
forty grammars: two to four seconds, in each kernel that submits and each job, to check texts that claim to
be IRIs, of which a notebook has none.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

CHECKER = "rfc3987_syntax"


def import_jsonschema() -> None:
    """Import it before nbformat does; the grammars are compiled when somebody first checks an IRI."""
    if "jsonschema" in sys.modules or CHECKER in sys.modules or find_spec(CHECKER) is None:
        return
    stand_in = ModuleType(CHECKER)
    vars(stand_in)["is_valid_syntax"] = is_valid_syntax
    sys.modules[CHECKER] = stand_in
    try:
        import_module("jsonschema")
    finally:
        if sys.modules.get(CHECKER) is stand_in:
            del sys.modules[CHECKER]


def is_valid_syntax(term: str, value: str) -> bool:
    """What rfc3987_syntax says, which is loaded for that."""
    return bool(import_module(CHECKER).is_valid_syntax(term, value))
