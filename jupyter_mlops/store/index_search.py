"""Finding a page of runs: where to begin, in which order to walk, and when to stop.

There are two ways. When few runs come into question for one of the comparisons that all must hold, these
are taken and sorted. Otherwise the runs are walked in the order asked for, along an index, until the page is
full. Which is shorter is told by counting, in each comparison's index, up to MANY.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, not_, select

from ..protocols.runs import IndexedRun, Sight
from . import index_tables as tables
from .filters import SEARCHED, All, Order, Predicate, Tree, parse_filter, parse_order
from .filters_sql import NARROW, candidates, condition, narrow, run_expression
from .index_load import load
from .index_rows import name_key
from .index_texts import has_words

DEFAULT_ORDER = "started desc"
MANY = 10_000
"""Candidates are counted up to here."""

_MAY_LACK = ("notebook", "ended", "parent", "job", "sweep")

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of what is found; ``archived`` runs too, and whether all are counted."""

    limit: int
    offset: int
    archived: bool
    total: bool


@dataclass(frozen=True, slots=True)
class _Term:
    """One of the comparisons that all must hold; ``keys`` and their ``count`` where an index has them."""

    tree: Tree
    condition: Condition
    keys: Select[Any] | None = None
    count: int = MANY


@dataclass(frozen=True, slots=True)
class _Search:
    terms: Sequence[_Term]
    orders: Sequence[Order]
    sight: Sight
    archived: bool

    @property
    def where(self) -> list[Condition]:
        """Everything that must hold, what is rarest first."""
        # IS NOT, so that SQLite does not think of an index of archived runs
        shown = [] if self.archived else [tables.runs.c.archived.is_not(True)]
        return [*(term.condition for term in self.terms), *shown]


def search(
    connection: Connection,
    filter: str,
    order_by: str,
    sight: Sight,
    page: Page,
) -> tuple[list[IndexedRun], int | None]:
    """One page and, when asked for, the number of all that match."""
    tree = parse_filter(filter)
    orders = [*parse_order(order_by), *parse_order(DEFAULT_ORDER)]
    wanted = _Search(_terms(connection, tree, sight), orders, sight, page.archived)
    keys = _page(connection, wanted, limit=page.limit, offset=page.offset)
    count = _count(connection, wanted) if page.total else None
    return load(connection, keys, sight), count


# ---------------------------------------------------------------------- what must hold


def _terms(connection: Connection, tree: Tree | None, sight: Sight) -> list[_Term]:
    """The comparisons that all must hold, those with the fewest candidates first."""
    if tree is None:
        return []
    trees = tree.items if isinstance(tree, All) else (tree,)
    words = _mentions_text(tree) and has_words(connection)
    terms = [_term(connection, each, sight, words) for each in trees]
    return sorted(terms, key=lambda term: term.count)


def _term(connection: Connection, tree: Tree, sight: Sight, words: bool) -> _Term:
    where = condition(tree, sight, words=words)
    keys = candidates(tree, sight, words=words)
    if keys is None:
        return _Term(tree, where)
    counted = select(func.count()).select_from(keys.limit(MANY).subquery())
    return _Term(tree, where, keys, connection.execute(counted).scalar_one())


def _mentions_text(tree: Tree) -> bool:
    if isinstance(tree, Predicate):
        return tree.field.group == "run" and tree.field.name in SEARCHED
    items = tree.items if hasattr(tree, "items") else (tree.item,)
    return any(_mentions_text(item) for item in items)


def _count(connection: Connection, wanted: _Search) -> int:
    """All that match; begun where the fewest candidates are."""
    query = select(func.count()).select_from(tables.runs)
    first = _fewest(wanted.terms)
    if first is not None and first.keys is not None:
        query = query.where(tables.runs.c.key.in_(first.keys))
    return connection.execute(query.where(*wanted.where)).scalar_one()


def _fewest(terms: Sequence[_Term]) -> _Term | None:
    return next((term for term in terms if term.count < MANY), None)


# ---------------------------------------------------------------------- a page


def _page(connection: Connection, wanted: _Search, *, limit: int, offset: int) -> list[int]:
    if not limit:
        return []
    first = _fewest(wanted.terms)
    if first is not None and first.count <= _walked(connection, wanted, limit + offset):
        return _sorted_candidates(connection, wanted, first, limit=limit, offset=offset)
    return _walk(connection, wanted, limit=limit, offset=offset)


def _walked(connection: Connection, wanted: _Search, rows: int) -> float:
    """About how many runs a walk passes until it has found so many."""
    every = connection.execute(select(func.max(tables.runs.c.key))).scalar() or 1
    passed = float(rows)
    for term in wanted.terms:
        if term.keys is not None and not _is_on(term.tree, wanted.orders[0]):
            passed *= every / max(1, term.count if term.count < MANY else max(MANY, every // 2))
    return min(passed, every)


def _sorted_candidates(
    connection: Connection, wanted: _Search, first: _Term, *, limit: int, offset: int
) -> list[int]:
    among = tables.runs.c.key.in_(first.keys)  # type: ignore[arg-type]
    query = select(tables.runs.c.key).where(among, *wanted.where)
    return _scalars(connection, _ordered(query, wanted.orders, wanted.sight).limit(limit).offset(offset))


def _walk(connection: Connection, wanted: _Search, *, limit: int, offset: int) -> list[int]:
    """The page, from one phase of the order after the other until it is full."""
    keys: list[int] = []
    for query in _phases(wanted):
        found = _scalars(connection, query.limit(limit - len(keys)).offset(offset))
        keys += found
        if len(keys) == limit:
            break
        if found:
            offset = 0
        elif offset:
            count = select(func.count()).select_from(query.order_by(None).subquery())
            offset -= connection.execute(count).scalar_one()
    return keys


def _phases(wanted: _Search) -> Iterator[Select[Any]]:
    """Queries whose results follow each other in the order asked for.

    Params that are numbers and those that are texts are apart, and so are the runs that lack what the first
    key sorts by, which come last: so the database can walk along an index instead of sorting all runs.
    """
    first, rest, sight = wanted.orders[0], wanted.orders[1:], wanted.sight
    if first.field.group == "run":
        yield _ordered(select(tables.runs.c.key).where(*wanted.where), wanted.orders, sight)
        return
    table = NARROW[first.field.group]
    kinds = [_columns(first, table)[0]]
    if first.field.group == "params":
        kinds = [table.c.number, table.c.text]
    for column in kinds if first.descending else reversed(kinds):
        has_value = column.is_not(None)
        if len(kinds) == 2 and column is table.c.text:
            has_value = table.c.number.is_(None)
        walk = _having(wanted, first, has_value).order_by(*_directed([column], first.descending))
        yield _ordered(walk, rest, sight)
    of_run = and_(table.c.run == tables.runs.c.key, table.c.name == name_key(first.field.name))
    lacks = not_(exists().where(of_run, _columns(first, table)[-1].is_not(None)))
    yield _ordered(select(tables.runs.c.key).where(*wanted.where, lacks), rest, sight)


def _having(wanted: _Search, first: Order, has_value: Condition) -> Select[Any]:
    """Runs that have what the first key sorts by. Comparisons on it are asked of the row that is walked."""
    table = NARROW[first.field.group]
    source = table.join(tables.runs, table.c.run == tables.runs.c.key)
    query = select(tables.runs.c.key).select_from(source)
    query = query.where(table.c.name == name_key(first.field.name), has_value)
    for term in wanted.terms:
        if isinstance(term.tree, Predicate) and _is_on(term.tree, first):
            query = query.where(narrow(term.tree, table))
        else:
            query = query.where(term.condition)
    return query if wanted.archived else query.where(tables.runs.c.archived.is_not(True))


def _is_on(tree: Tree, order: Order) -> bool:
    """Whether a comparison is one of the value that is sorted by, and so of a row that has it."""
    if not isinstance(tree, Predicate) or order.field.group == "run" or tree.operator == "null":
        return False
    this, that = tree.field, order.field
    return (this.group, this.name, this.part) == (that.group, that.name, that.part)


def _scalars(connection: Connection, query: Select[Any]) -> list[int]:
    return list(connection.execute(query).scalars())


# ---------------------------------------------------------------------- order


def _ordered(query: Select[Any], orders: Sequence[Order], sight: Sight) -> Select[Any]:
    seen: set[tuple[str, str, str]] = set()
    for order in orders:
        field = order.field
        if (field.group, field.name, field.part) in seen:
            continue
        seen.add((field.group, field.name, field.part))
        columns = [run_expression(field, sight)] if field.group == "run" else _sorted_by(order)
        if field.group != "run" or field.name in _MAY_LACK:
            query = query.order_by(columns[-1].is_(None))
        query = query.order_by(*_directed(columns, order.descending))
    return query.order_by(tables.runs.c.id.desc())


def _sorted_by(order: Order) -> list[ColumnElement[Any]]:
    """A value of a group as subqueries."""
    table = NARROW[order.field.group].alias()
    same = and_(table.c.name == name_key(order.field.name), table.c.run == tables.runs.c.key)
    return [select(column).where(same).scalar_subquery() for column in _columns(order, table)]


def _columns(order: Order, table: Any) -> list[ColumnElement[Any]]:
    if order.field.group == "metrics":
        return [table.c[order.field.part]]
    return [table.c.number, table.c.text] if order.field.group == "params" else [table.c.text]


def _directed(columns: Iterable[ColumnElement[Any]], descending: bool) -> list[ColumnElement[Any]]:
    # NULLs (params that are no numbers) stand where SQLite has them in an index, on all databases
    return [column.desc().nulls_last() if descending else column.asc().nulls_first() for column in columns]
