"""Pandera's schemas as expectations: kept as the JSON that pandera writes itself, never pickled. Its only
home.

What a JSON cannot say (a lambda as a check, a parser) is refused when the schema is given: it would be lost.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

from ...entities import Expectation, ExpectationResult, Severity
from ...errors import InvalidInput, MissingPackage
from ..registry.names import checked_name
from .checking import EXAMPLES, LONGEST_EXAMPLE, result

CHECK = "pandera"
INSTALL = "pip install 'jupyter-mlops[pandera]'"


def state_schema(dataset: str, schema: Any, severity: Severity) -> Expectation:
    """A ``DataFrameSchema`` or ``DataFrameModel`` as an expectation. Raises InvalidInput, MissingPackage."""
    pandera = _pandera()
    if isinstance(schema, type) and issubclass(schema, pandera.DataFrameModel):
        model: Any = schema
        schema = model.to_schema()
    if not isinstance(schema, pandera.DataFrameSchema):
        kind = schema if isinstance(schema, type) else type(schema)
        raise InvalidInput(
            "pandera takes a DataFrameSchema or a DataFrameModel of pandera.pandas, not a "
            f"{kind.__module__}.{kind.__qualname__}."
        )
    _refuse_parsers(schema)
    name = f"{CHECK}: {schema.name}" if schema.name else CHECK
    return Expectation(
        dataset=checked_name(dataset),
        name=name,
        check=CHECK,
        columns=[str(column) for column in schema.columns],
        arguments={"schema": _json(schema)},
        severity=severity,
    )


def required_columns(expectation: Expectation) -> list[str]:
    """The columns that a schema names and wants: neither optional nor told by a pattern."""
    said = json.loads(expectation.arguments["schema"])["columns"] or {}
    return [name for name, each in said.items() if each.get("required", True) and not each.get("regex")]


def check_schema(frame: Any, expectation: Expectation) -> ExpectationResult:
    """Validate a pandas DataFrame. Raises MissingPackage."""
    pandera = _pandera()
    schema = pandera.DataFrameSchema.from_json(expectation.arguments["schema"])
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        return _failed(expectation, error.failure_cases, len(frame))
    return result(expectation, passed=True, message="The schema holds.", failing=0)


def _failed(expectation: Expectation, cases: Any, rows: int) -> ExpectationResult:
    """``cases``: a row for each failure, with schema_context, column, check, failure_case and index."""
    said = []
    for (column, check), group in cases.groupby(["column", "check"], dropna=False, sort=False):
        where = "" if column is None or column != column else f"{column!r}: "
        values = ", ".join(repr(str(value)[:LONGEST_EXAMPLE]) for value in group["failure_case"][:3])
        said.append(f"{where}{check} ({len(group):,}), such as {values}")
    broken = cases["index"].dropna().nunique()
    return result(
        expectation,
        passed=False,
        message=f"The schema does not hold: {'; '.join(said[:5])}{'; …' if len(said) > 5 else ''}.",
        failing=int(broken) or None,
        examples=[str(value)[:LONGEST_EXAMPLE] for value in cases["failure_case"][:EXAMPLES]],
    )


def _json(schema: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # pandera skips what it cannot write, with a warning
        try:
            return str(schema.to_json())
        except UserWarning as error:
            raise InvalidInput(
                f"The schema has a check that only Python code can say: {str(error).rstrip('.')}. Use "
                "pandera's own checks (Check.in_range, Check.isin, Check.str_matches, …), or register the "
                "check with pandera's extensions."
            ) from error
        except ImportError as error:
            raise MissingPackage(
                f"Writing a pandera schema wants {error.name!r}. Install it with: {INSTALL}"
            ) from error
        except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
            raise InvalidInput(
                f"Pandera cannot write the schema as JSON: {str(error).rstrip('.')}."
            ) from error


def _refuse_parsers(schema: Any) -> None:
    parts = [schema, *schema.columns.values()]
    if any(getattr(part, "parsers", None) for part in parts):
        raise InvalidInput("The schema has parsers, which change data: an expectation only looks at it.")


def _pandera() -> Any:
    try:
        import pandera.pandas as pandera
    except ImportError as error:
        raise MissingPackage(
            f"Pandera schemas want the package pandera. Install it with: {INSTALL}"
        ) from error
    return pandera
