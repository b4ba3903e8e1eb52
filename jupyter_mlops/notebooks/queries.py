"""Texts in which libraries look up variables: ``df.query("x > @limit")``, ``duckdb.sql("FROM df")``.

What is filled into an f-string is taken for a value, and not for the name of a variable.
"""

from __future__ import annotations

import ast
import re

NAME = re.compile(r"[A-Za-z_]\w*")
MARKED = re.compile(r"@([A-Za-z_]\w*)")
TABLES = re.compile(
    r"\b(?:from|join|into|update|table|describe|summarize|pivot|unpivot)\b(.*?)"
    r"(?=\b(?:select|where|group|order|having|limit|on|using|set|values|union|from|join)\b|[;)]|$)",
    re.IGNORECASE | re.DOTALL,
)
"""Where SQL names tables, which DuckDB and Polars take for variables."""
OF_FRAMES = frozenset({"query", "eval"})
OF_TABLES = frozenset({"query", "sql", "sqldf", "execute", "read_sql", "read_sql_query"})
OF_ARRAYS = frozenset({"pd.eval", "pandas.eval", "ne.evaluate", "numexpr.evaluate"})
OF_UNKNOWN_TEXTS = frozenset({"query", "eval", "sql", "sqldf", "execute"})
"""Those of which it matters that a text stands elsewhere."""
ONLY_OF_TEXTS = frozenset({"sql", "sqldf"})
"""Those that take nothing but texts: ``tree.query(points)`` looks nothing up."""
KEYWORDS = frozenset({"expr", "sql", "query"})


def text_argument(node: ast.Call) -> ast.expr | None:
    """The argument of a call that may be such a text; None where the function is no such one."""
    if _last(node) not in OF_FRAMES | OF_TABLES | {"evaluate"}:
        return None
    named = [each.value for each in node.keywords if each.arg in KEYWORDS]
    return next(iter([*node.args[:1], *named]), None)


def literal_text(node: ast.expr) -> str | None:
    """A text that is written out, in parts or with values filled in; else None."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(literal_text(each) or " 0 " for each in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = literal_text(node.left), literal_text(node.right)
        return None if left is None or right is None else left + right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # .format(), .strip()
        return literal_text(node.func.value)
    return None


def names_in(text: str, title: str) -> set[str]:
    """The variables that a function with this title may look up for the text."""
    last = title.rpartition(".")[2]
    found: set[str] = set()
    if last in OF_FRAMES:
        found.update(MARKED.findall(text))
    if last in OF_TABLES:
        found.update(name for tables in TABLES.findall(text) for name in NAME.findall(tables))
    if title in OF_ARRAYS:
        found.update(NAME.findall(text))
    return found


def names_looked_up(node: ast.Call, title: str) -> set[str]:
    """The variables that a call may look up for a text that is written out in it."""
    argument = text_argument(node)
    text = None if argument is None else literal_text(argument)
    return set() if text is None else names_in(text, title)


def _last(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
