"""The filter language against a plain reading of it: random filters over random runs, both ways of searching."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlops.entities import MetricSummary, Process, RunStatus, new_id
from jupyter_mlops.journal.records import Displayed, Params, Source, Tags
from jupyter_mlops.protocols.runs import IndexedRun, Sight
from jupyter_mlops.store import index_search
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.index import SqlRunIndex
from jupyter_mlops.testing.clocks import FakeClock
from jupyter_mlops.testing.index_parts import parts
from jupyter_mlops.testing.journals import Scribe

PARAM_VALUES: list[Any] = [
    0.1,
    1,
    -2.5,
    10**20,
    "adam",
    "sgd",
    "0.1",
    "1",
    "",
    "Adam W",
    True,
    False,
    [1, 2],
    None,
]
METRIC_VALUES = [0.0, -1.0, 0.5, 0.9, math.inf, -math.inf, math.nan]
TAG_VALUES = ["a", "b", "A", "1", "it's", "50%", "a_b"]
TEXTS = ["fit model", "Model.fit(x)", "plain_text 100%", "nothing here"]
STATUSES = [RunStatus.FINISHED, RunStatus.FAILED, RunStatus.CANCELLED, None]
ELSEWHERE = Process(host="there", boot_id="b", pid_namespace=1, pid=1, start_ticks=1)

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


# ---------------------------------------------------------------------- the reference


@dataclass(frozen=True)
class Known:
    """A run as the reference sees it."""

    found: IndexedRun
    code: str | None
    output: str | None

    def value(self, group: str, name: str, part: str) -> Any:
        run = self.found.run
        if group == "params":
            return run.params.get(name, MISSING)
        if group == "tags":
            return run.tags.get(name, MISSING)
        if group == "metrics":
            summary: MetricSummary | None = run.metrics.get(name)
            return MISSING if summary is None else getattr(summary, part)
        own: dict[str, Any] = {
            "name": run.name, "status": run.status.value, "experiment": run.experiment,
            "started": run.started_at, "duration": run.duration_s, "code": self.code, "output": self.output,
        }  # fmt: skip
        value = own[name]
        return MISSING if value is None else value


MISSING = object()


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def holds(group: str, name: str, op: str, have: Any, literal: Any) -> bool:
    """One comparison with a value that is there."""
    if group == "run" and name in ("code", "output"):
        said = all(word.lower() in have.lower() for word in literal.split())
        return said if op == "=" else not said
    if is_number(have) and is_number(literal):
        return not math.isnan(have) and COMPARE[op](have, literal)
    if group == "params" and is_number(literal):
        return op == "!="
    wanted = str(literal).lower() if isinstance(literal, bool) else text_of(literal)
    return COMPARE[op](text_of(have), wanted)


def like(text: str, pattern: str) -> bool:
    """SQL's LIKE, whatever the case."""
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == "%":
        return any(like(text[start:], rest) for start in range(len(text) + 1))
    return bool(text) and (head == "_" or head.lower() == text[0].lower()) and like(text[1:], rest)


# ---------------------------------------------------------------------- random filters


@dataclass(frozen=True)
class Filter:
    """A filter's text, and what it means."""

    text: str
    matches: Callable[[Known], bool]


def quoted(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if is_number(value):
        return repr(float(value))
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def comparison(group: str, name: str, part: str, op: str, literal: Any) -> Filter:
    def matches(known: Known) -> bool:
        have = known.value(group, name, part)
        return have is not MISSING and holds(group, name, op, have, literal)

    return Filter(f"{field(group, name, part)} {op} {quoted(literal)}", matches)


def membership(group: str, name: str, part: str, literals: list[Any], negated: bool) -> Filter:
    def matches(known: Known) -> bool:
        have = known.value(group, name, part)
        if have is MISSING or (is_number(have) and math.isnan(have)):
            return False
        return any(holds(group, name, "=", have, each) for each in literals) != negated

    listed = ", ".join(map(quoted, literals))
    return Filter(f"{field(group, name, part)} {'not ' * negated}in ({listed})", matches)


def likeness(group: str, name: str, pattern: str, negated: bool) -> Filter:
    def matches(known: Known) -> bool:
        have = known.value(group, name, "last")
        return have is not MISSING and like(text_of(have), pattern) != negated

    return Filter(f"{field(group, name, 'last')} {'not ' * negated}like {quoted(pattern)}", matches)


def nullness(group: str, name: str, part: str, negated: bool) -> Filter:
    def matches(known: Known) -> bool:
        return (known.value(group, name, part) is MISSING) != negated

    return Filter(f"{field(group, name, part)} is {'not ' * negated}null", matches)


def field(group: str, name: str, part: str) -> str:
    if group == "run":
        return name
    return f"{group}.{name}" + (f".{part}" if group == "metrics" and part != "last" else "")


def either_of(kind: str, filters: list[Filter]) -> Filter:
    combine = all if kind == "and" else any
    text = f" {kind} ".join(f"({each.text})" for each in filters)
    return Filter(text, lambda known: combine(each.matches(known) for each in filters))


NAMES = st.sampled_from(["x", "y", "missing"])
ORDERINGS = st.sampled_from(list(COMPARE))
EQUALITIES = st.sampled_from(["=", "!="])
NUMBERS = st.sampled_from([0.1, 0.5, 1.0, -2.5, 1e20, 0.0, math.inf])
LITERALS = st.sampled_from([0.1, 1.0, -2.5, 1e20, "adam", "sgd", "0.1", "1", "", True, "[1,2]", "null"])
TAGS = st.sampled_from(TAG_VALUES)
PATTERNS = st.sampled_from(["a%", "%d%", "_", "%", "", "A_am%", "%1", "%model%", "%fit", "%100\\%", "it's"])
PARTS = st.sampled_from(["last", "min", "max"])
WORDS = st.sampled_from(["fit", "model fit", "100%", "n_t", "t 1", "x)", "nothing", "zzz"])
STATUS = st.sampled_from([each.value for each in RunStatus])
BOOLS = st.booleans()

LEAVES = st.one_of(
    st.builds(comparison, st.just("params"), NAMES, st.just("last"), ORDERINGS, LITERALS),
    st.builds(comparison, st.just("metrics"), NAMES, PARTS, ORDERINGS, NUMBERS),
    st.builds(comparison, st.just("tags"), NAMES, st.just("last"), ORDERINGS, TAGS),
    st.builds(comparison, st.just("run"), st.just("status"), st.just("last"), EQUALITIES, STATUS),
    st.builds(comparison, st.just("run"), st.just("name"), st.just("last"), ORDERINGS, st.sampled_from(["run 3", "Run 1"])),
    st.builds(comparison, st.just("run"), st.just("duration"), st.just("last"), ORDERINGS, st.sampled_from([0.0, 7.0, 100.0])),
    st.builds(comparison, st.just("run"), st.sampled_from(["code", "output"]), st.just("last"), EQUALITIES, WORDS),
    st.builds(membership, st.just("params"), NAMES, st.just("last"), st.lists(LITERALS, min_size=1, max_size=3), BOOLS),
    st.builds(membership, st.just("metrics"), NAMES, PARTS, st.lists(NUMBERS, min_size=1, max_size=3), BOOLS),
    st.builds(membership, st.just("tags"), NAMES, st.just("last"), st.lists(TAGS, min_size=1, max_size=3), BOOLS),
    st.builds(membership, st.just("run"), st.just("status"), st.just("last"), st.lists(STATUS, min_size=1, max_size=2), BOOLS),
    st.builds(membership, st.just("run"), st.just("code"), st.just("last"), st.lists(WORDS, min_size=1, max_size=2), BOOLS),
    st.builds(likeness, st.sampled_from(["params", "tags"]), NAMES, PATTERNS, BOOLS),
    st.builds(likeness, st.just("run"), st.sampled_from(["name", "code", "output"]), PATTERNS, BOOLS),
    st.builds(nullness, st.sampled_from(["params", "metrics", "tags"]), NAMES, st.just("last"), BOOLS),
    st.builds(nullness, st.just("run"), st.sampled_from(["code", "output"]), st.just("last"), BOOLS),
)  # fmt: skip
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(either_of, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
        inner.map(lambda each: Filter(f"not ({each.text})", lambda known: not each.matches(known))),
    ),
    max_leaves=6,
)
ORDERS = st.sampled_from(
    [
        "",
        "params.x",
        "params.x desc, name",
        "metrics.x desc",
        "metrics.y.min",
        "tags.x",
        "status, metrics.x",
        "duration",
    ]
)


# ---------------------------------------------------------------------- the runs


@dataclass(frozen=True, repr=False)
class World:
    index: SqlRunIndex
    sight: Sight
    runs: list[Known]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home: Path = tmp_path_factory.mktemp("home")
    clock = FakeClock()
    database = Database("sqlite://")
    index = SqlRunIndex(database)
    texts: dict[str, tuple[str | None, str | None]] = {}
    for number in range(60):
        clock.sleep(1)
        scribe = Scribe(home, clock, run_id=new_id(clock())).start(f"run {number % 7}", process=ELSEWHERE)
        params = {
            name: PARAM_VALUES[(number * step) % len(PARAM_VALUES)] for name, step in (("x", 1), ("y", 5))
        }
        scribe.write(Params(p={name: value for name, value in params.items() if number % 5 or name == "y"}))
        scribe.write(Tags(g={"x": TAG_VALUES[number % len(TAG_VALUES)]} if number % 3 else {}))
        for step in range(number % 4):
            scribe.log(step, x=METRIC_VALUES[(number + step) % 7], y=METRIC_VALUES[(number * 3 + step) % 7])
        code = TEXTS[number % 4] if number % 3 == 0 else None
        output = TEXTS[number % 4] if number % 4 == 1 else None
        if code:
            scribe.write(Source(text=code))
        if output:
            scribe.write(Displayed(message="stream", data={"text/plain": output}, name="stdout"))
        status = STATUSES[number % 4]
        clock.sleep(number % 11)
        if status is not None:
            scribe.end(status)
        texts[scribe.run_id] = (code, output)
        index.apply(parts(scribe))
    sight = Sight(clock(), clock() - 60, clock() - 200)
    found, _ = index.search("", "", sight, limit=100, offset=0, archived=True)
    yield World(index, sight, [Known(each, *texts[each.run.id]) for each in found])
    database.close()


@pytest.mark.parametrize("many", [0, 3, 10_000])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(wanted=FILTERS, order_by=ORDERS)
def test_filter_finds_what_it_says(
    world: World, monkeypatch: pytest.MonkeyPatch, many: int, wanted: Filter, order_by: str
) -> None:
    monkeypatch.setattr(index_search, "MANY", many)  # walking only, now this and now that, candidates only
    found, total = world.index.search(wanted.text, order_by, world.sight, limit=100, offset=0, archived=False)
    expected = {known.found.run.id for known in world.runs if wanted.matches(known)}
    assert {each.run.id for each in found} == expected
    assert (len(found), total) == (len(expected), len(expected))
    whole, _ = world.index.search("", order_by, world.sight, limit=100, offset=0, archived=False)
    assert [each.run.id for each in found] == [each.run.id for each in whole if each.run.id in expected]
