"""What datasets must be like: saying it, and looking whether it is so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..entities import Severity
from ..errors import InvalidInput
from ..services.expectations.stating import Columns, Range, state
from ..services.showing.expectations import (
    expectations_html,
    expectations_text,
    report_html,
    report_text,
    said,
)
from ..wire import to_json
from ..workspace import current

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities


def expect(
    name: str,
    *,
    columns: Columns | None = None,
    types: Mapping[str, Any] | None = None,
    not_null: Columns | None = None,
    unique: Columns | Sequence[Columns] | None = None,
    between: Mapping[str, Range] | None = None,
    one_of: Mapping[str, Iterable[Any]] | None = None,
    matches: Mapping[str, Any] | None = None,
    rows: Range | int | None = None,
    files: Range | int | None = None,
    pandera: Any = None,
    on_fail: str = "refuse",
    remove: str | Sequence[str] | None = None,
    new_columns: Columns | None = None,
) -> Expectations:
    """Say what all versions of a dataset must be like; gives all that is expected of it.

    ::

        mlops.expect("train", columns=["id", "age"], not_null=["id"], unique=["id", ("user", "day")],
                     types={"age": "integer"}, between={"age": (0, 120)}, one_of={"sex": ["f", "m"]},
                     matches={"email": r"[^@]+@[^@]+"}, rows=(1000, None))
        mlops.expect("train", between={"income": (0, None)}, on_fail="warn")
        mlops.expect("train", pandera=schema)
        mlops.expect("train", remove="not_null: id")

    It is looked at when a version is registered, which is refused where it is not so, and when one is loaded;
    with ``on_fail="warn"`` both only warn. A name such as ``not_null: id`` tells an expectation: saying it
    anew replaces it. Missing values break ``not_null`` only; in ``unique`` a tuple is columns together;
    ``matches`` is of the whole value. Types are Arrow's names of them, or integer, real, number, text,
    boolean and time.

    Before the first version any column may be named; later one that the newest version does not have is
    taken for a typo, unless ``new_columns`` names it: it is to come. Raises InvalidInput, Forbidden, and
    NotFound for a name to remove that is none.
    """
    service = current().expectations
    stated = state(
        name,
        columns=columns,
        types=types,
        not_null=not_null,
        unique=unique,
        between=between,
        one_of=one_of,
        matches=matches,
        rows=rows,
        files=files,
        on_fail=on_fail,
    )
    if pandera is not None:
        from ..services.expectations.pandera_schemas import state_schema

        stated.append(state_schema(name, pandera, Severity(on_fail)))
    gone = _removed(remove)
    if not stated and not gone:
        raise InvalidInput(f"Say what is expected: mlops.expect({name!r}, not_null=['id'], rows=(1, None)).")
    for each in gone:
        service.remove(name, each)
    return Expectations(name, service.set(name, stated, new_columns=new_columns))


def expectations(name: str) -> Expectations:
    """All that is expected of a dataset. Raises NotFound for a name of which nothing is known."""
    return Expectations(name, current().expectations.of(name))


def check(what: Any, dataset: str | None = None) -> Check:
    """Look whether a version is as its dataset is expected to be: ``mlops.check("train@3")``.

    ``mlops.check(frame, "train")`` looks at a DataFrame that is registered nowhere. Raises NotFound.
    """
    service = current().expectations
    if dataset is not None:
        return Check(service.check_frame(what, dataset))
    if not isinstance(what, str):
        raise InvalidInput("Say by which dataset's expectations: mlops.check(frame, 'train').")
    return Check(service.check(what))


def _removed(given: Any) -> list[str]:
    names = [given] if isinstance(given, str) else given or []
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InvalidInput(
            f"remove takes the name of an expectation, or several, such as 'not_null: id', not {given!r}."
        )
    return list(names)


class Expectations(Sequence["entities.Expectation"]):
    """What is expected of a dataset; it shows itself."""

    def __init__(self, dataset: str, found: Sequence[entities.Expectation]) -> None:
        self.dataset = dataset
        self.entities = list(found)

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.entities]

    def to_frame(self) -> pd.DataFrame:
        """A row each."""
        import pandas as pd

        rows = [(each.name, each.check, said(each), each.severity.value, each.created_by) for each in self]
        return pd.DataFrame(rows, columns=["name", "check", "is", "on_fail", "by"])

    def to_dict(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = to_json(self.entities)
        return found

    def __getitem__(self, index: Any) -> Any:
        return self.entities[index]

    def __len__(self) -> int:
        return len(self.entities)

    def __iter__(self) -> Iterator[entities.Expectation]:
        return iter(self.entities)

    def __repr__(self) -> str:
        return expectations_text(self.dataset, self.entities)

    def _repr_html_(self) -> str:
        return expectations_html(self.dataset, self.entities)


class Check:
    """What came of looking; true when all is as expected. It shows itself."""

    def __init__(self, entity: entities.CheckReport) -> None:
        self.entity = entity

    @property
    def passed(self) -> bool:
        return self.entity.passed

    @property
    def results(self) -> dict[str, entities.ExpectationResult]:
        """By the names of the expectations."""
        return {each.name: each for each in self.entity.results}

    @property
    def failed(self) -> list[entities.ExpectationResult]:
        return [each for each in self.entity.results if not each.passed]

    def to_dict(self) -> dict[str, Any]:
        """The whole of it, as the command line's ``--json`` prints it."""
        found: dict[str, Any] = to_json(self.entity)
        return found

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return report_text(self.entity)

    def _repr_html_(self) -> str:
        return report_html(self.entity)
