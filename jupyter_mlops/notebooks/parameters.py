"""Parameters of a notebook: which there are, and whether a given value fits.

The rule: a value must have the type of the default. A number is taken for a number (``C = 1`` may become
0.1; only a bool is none), a list for a tuple and the reverse, ``true``/``false`` for a bool,
``inf``/``nan`` for a float; for a str the text is kept as it was typed. A default of None, or a computed
one, takes anything. A distribution of numbers is taken for a number, each of its choices as a value is.
"""

from __future__ import annotations

import ast
import difflib
import io
import tokenize
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from ..entities import Distribution, Parameter
from ..errors import ParameterError
from .distributions import shown
from .languages import declared, is_python, language_of
from .source import literal, parse_cell
from .values import (
    Given,
    Values,
    distribution,
    expand,
    parse_parameter,
    parse_parameters,
    parse_value,
    source_of,
)

__all__ = [
    "Given",
    "Values",
    "check_names",
    "expand",
    "fit",
    "fit_all",
    "parameters_of",
    "parse_parameter",
    "parse_parameters",
    "parse_value",
    "source_of",
]

UNKNOWN = "unknown"
"""The type of a parameter whose default is computed."""
NUMERIC = ("int", "float", UNKNOWN, "NoneType")
ANNOTATIONS = ("bool", "int", "float", "str", "list", "tuple", "dict", "set")


def parameters_of(notebook: NotebookNode | Path) -> list[Parameter]:
    """The parameters in the cell tagged ``parameters``, in order; none when there is no such cell.

    A computed default is None, with the type ``unknown``. Raises NotFound or InvalidInput for a path.
    """
    if isinstance(notebook, Path):
        from .files import read_notebook

        notebook = read_notebook(notebook)
    index = parameters_cell(notebook)
    if index is None:
        return []
    source = notebook.cells[index].source
    return _declared(source) if is_python(notebook) else declared(source, language_of(notebook))


def parameters_cell(notebook: NotebookNode) -> int | None:
    """The index of the first cell tagged ``parameters``."""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", []):
            return index
    return None


def _declared(source: str) -> list[Parameter]:
    cell = parse_cell(source)
    if cell.tree is None:
        return []
    comments = comments_of(cell.python)
    found: dict[str, Parameter] = {}
    for statement in cell.tree.body:
        for name, value, annotation in _assigned(statement):
            found.pop(name, None)  # the last assignment decides, and its place
            help_text = comments.get(statement.end_lineno or 0, "")
            found[name] = _parameter(name, value, annotation, help_text)
    return list(found.values())


def _assigned(statement: ast.stmt) -> list[tuple[str, ast.expr, str]]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        return [(statement.target.id, statement.value, ast.unparse(statement.annotation))]
    if isinstance(statement, ast.Assign):
        names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        return [(name, statement.value, "") for name in names]
    return []


def _parameter(name: str, value: ast.expr, annotation: str, help_text: str) -> Parameter:
    is_literal, default = literal(value)
    kind = type(default).__name__ if is_literal else UNKNOWN
    if annotation in ANNOTATIONS and not (is_literal and default is None):
        kind = annotation
    return Parameter(name=name, default=default, type=kind, help=help_text)


def comments_of(source: str) -> dict[int, str]:
    """The comments by line."""
    found = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = token.string.lstrip("# ").strip()
    except (tokenize.TokenError, SyntaxError):
        return found
    return found


def check_names(names: Collection[str], known: Collection[str], *, where: str) -> None:
    """Raise ParameterError for the first name that is not known, with the nearest one and all."""
    for name in names:
        if name in known:
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        listed = (
            f" Known: {_listed(known)}." if known else f" It has none: assign one there, such as {name} = 1."
        )
        raise ParameterError(f"No parameter {name!r} in {where}.{hint}{listed}")


def _listed(names: Collection[str], most: int = 20) -> str:
    shown = ", ".join(list(names)[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def fit_all(given: Mapping[str, Any], parameters: Collection[Parameter]) -> dict[str, Any]:
    """The given values as the parameters' types want them. Raises ParameterError."""
    by_name = {each.name: each for each in parameters}
    return {
        name: fit(value, by_name[name]) if name in by_name else plain(value) for name, value in given.items()
    }


def plain(value: Any) -> Any:
    """The value without its text; of a distribution, the choices without theirs."""
    if isinstance(value, Distribution):
        return replace(value, choices=[plain(each) for each in value.choices])
    return value.value if isinstance(value, Given) else value


def fit(given: Any, parameter: Parameter) -> Any:
    """The value in the parameter's type, or ParameterError naming both types."""
    if isinstance(given, Distribution):
        return _fit_distribution(given, parameter)
    value, text = plain(given), given.text if isinstance(given, Given) else None
    kind = parameter.type
    if kind in (UNKNOWN, "NoneType") or kind == type(value).__name__:
        return value
    if kind == "str" and text is not None:
        return text
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind == "float" and isinstance(value, str) and value.lower().lstrip("+-") in ("inf", "nan"):
        return float(value)
    if kind == "int" and isinstance(value, float):
        return int(value) if value.is_integer() else value
    if kind == "bool" and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind == "list" and isinstance(value, tuple):
        return list(value)
    if kind == "tuple" and isinstance(value, list):
        return tuple(value)
    raise ParameterError(
        f"{parameter.name}={text if text is not None else source_of(value)}: {parameter.name} is of type "
        f"{kind} (default {source_of(parameter.default)}), and this is of type {type(value).__name__}."
        f"{_about_quotes(value, text, kind)}"
    )


def _about_quotes(value: Any, text: str | None, kind: str) -> str:
    """``cfg='{"lr": 1}'``, as one writes it for a shell, is a text in a magic's line."""
    if not isinstance(value, str) or text is None or text[:1] not in ("'", '"'):
        return ""
    try:
        inner = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ""
    return " Its quotes make it a text: take them off." if type(inner).__name__ == kind else ""


def _fit_distribution(given: Distribution, parameter: Parameter) -> Distribution:
    if given.kind == "choice":
        return replace(given, choices=[fit(each, parameter) for each in given.choices])
    if parameter.type not in NUMERIC:
        raise ParameterError(
            f"{parameter.name}={shown(given)}: {parameter.name} is of type {parameter.type} "
            f"(default {source_of(parameter.default)}), and this is a search among numbers. "
            f"Name the values: -p {parameter.name}=choice(...); or, where it is a text, put quotes around it."
        )
    return given


def sweeps(given: Any, parameter: Parameter | None) -> Any:
    """What a caller of the API gave: a list is a sweep, unless the parameter itself is a list or tuple;
    and a text such as ``uniform(0, 1)`` a distribution, unless the parameter is a text.
    """
    if isinstance(given, str) and (parameter is None or parameter.type != "str"):
        return distribution(given) or given
    if isinstance(given, list) and (parameter is None or parameter.type not in ("list", "tuple", "set")):
        if not given:
            name = parameter.name if parameter else "a parameter"
            raise ParameterError(f"{name}: an empty list names no value to run.")
        return Values(tuple(given))
    return given
