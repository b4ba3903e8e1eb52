"""The expectations of datasets: saying them, and looking at contents with them."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...config import Settings
from ...entities import CheckReport, Column, DatasetVersion, Expectation, ExpectationResult
from ...errors import InvalidInput, NotFound
from ...protocols.clock import Clock
from ...protocols.expectations import ExpectationStore
from ..columnar.contents import Contents
from ..columnar.engine import open_engine
from ..columnar.tables import column_of, is_tabular, open_table
from ..registry import tables
from ..registry.arrow_tables import is_table
from ..registry.deciding import Access
from ..registry.names import checked_name
from .checking import check_table, count_files, refuse_bad_pattern, refuse_bad_values, result
from .pandera_schemas import CHECK as PANDERA
from .pandera_schemas import check_schema, required_columns
from .stating import Columns, listed

SHOWN_COLUMNS = 20


@dataclass(frozen=True, slots=True)
class ExpectationService:
    """What came of a check is kept by the content's digest, until the expectations change."""

    store: ExpectationStore
    contents: Callable[[], Contents]
    settings: Settings
    access: Callable[[], Access]
    clock: Clock

    def all(self, dataset: str) -> list[Expectation]:
        """A dataset's expectations, in the order in which they were first said."""
        return self.store.all(checked_name(dataset))

    def of(self, dataset: str) -> list[Expectation]:
        """As :meth:`all`. Raises NotFound for a name of which nothing is said and that no dataset has."""
        found = self.all(dataset)
        if not found:
            self.contents().dataset_version(dataset)
        return found

    def set(
        self, dataset: str, expectations: Sequence[Expectation], *, new_columns: Columns | None = None
    ) -> list[Expectation]:
        """Say some, in place of those of the same names; gives all.

        Raises Forbidden, and InvalidInput: also for a column that the newest version does not have, and for
        values that are not of its type there, unless it is one of ``new_columns``, which a version is to have
        that is still to come.
        """
        name = checked_name(dataset)
        self.access().require(self.settings.user, "describe", f"dataset:{name}")
        new = listed("new_columns", new_columns)
        self._refuse_unknown_columns(name, expectations, new)
        self._refuse_bad_values(name, expectations, new)
        self._refuse_bad_patterns(expectations)
        return self.store.set(expectations, user=self.settings.user) if expectations else self.all(name)

    def remove(self, dataset: str, expectation: str) -> list[Expectation]:
        """Take one back; gives those that stay. Raises Forbidden, NotFound."""
        name = checked_name(dataset)
        self.access().require(self.settings.user, "describe", f"dataset:{name}")
        return self.store.remove(name, expectation, user=self.settings.user)

    def check(self, reference: str) -> CheckReport:
        """A version against the expectations of its dataset; what is known of it is not looked at again."""
        version = self.contents().dataset_version(reference)
        return self.checked(version, lambda: self.contents().dataset_content(version))

    def report(self, dataset: str, digest: str) -> CheckReport | None:
        """What came of checking a content against the present expectations; None when nobody has."""
        return self.store.report(checked_name(dataset), digest)

    def checked(self, version: DatasetVersion, content: Callable[[], Path]) -> CheckReport:
        """The same of a version that need not be registered yet."""
        known = self.store.report(version.name, version.digest)
        if known is not None:
            return replace(known, version=version.version)  # which it may not have had then
        expectations = self.store.all(version.name)
        began = time.perf_counter()
        results = (
            self._results(expectations, content, version.file_name, version.columns) if expectations else []
        )
        report = _report(version.name, version.version, version.digest, results, self.clock(), began)
        self.store.keep(report, of=expectations)
        return report

    def check_frame(self, frame: Any, dataset: str) -> CheckReport:
        """A table in memory against the expectations of a dataset; nothing is kept.

        Raises InvalidInput for what is no table, and NotFound as :meth:`of` does.
        """
        name, began = checked_name(dataset), time.perf_counter()
        expectations = self.of(name)
        if not is_table(frame):
            raise InvalidInput(f"A {type(frame).__qualname__} is no table that can be checked.")
        encoded, _ = tables.encode(frame)
        results: list[ExpectationResult] = []
        if expectations:
            with open_engine(self._scratch) as engine:
                path = engine.scratch / "frame"
                path.write_bytes(encoded)
                results = self._results(expectations, lambda: path, "frame.parquet")
        return _report(name, None, "", results, self.clock(), began)

    def _results(
        self,
        expectations: Sequence[Expectation],
        content: Callable[[], Path],
        file_name: str,
        columns: Sequence[Column] | None = None,
    ) -> list[ExpectationResult]:
        path = content()
        found: dict[str, ExpectationResult] = {}
        for each in expectations:
            if each.check == "files":
                files = sum(1 for file in path.rglob("*") if file.is_file()) if path.is_dir() else 1
                found[each.name] = count_files(each, files)
        of_tables = [each for each in expectations if each.name not in found]
        if of_tables:
            found |= {each.name: each for each in self._results_of_table(of_tables, path, file_name, columns)}
        return [found[each.name] for each in expectations]

    def _results_of_table(
        self,
        expectations: Sequence[Expectation],
        path: Path,
        file_name: str,
        columns: Sequence[Column] | None,
    ) -> list[ExpectationResult]:
        if path.is_dir() or not is_tabular(file_name):
            what = "a folder" if path.is_dir() else f"{file_name!r}"
            return [result(each, passed=False, message=f"It is {what}, no table.") for each in expectations]
        with open_engine(self._scratch) as engine:
            try:
                table = open_table(engine, path, file_name, columns=columns)
                assert table is not None
                frame = _frame(expectations, path, file_name)
            except InvalidInput as error:
                return [result(each, passed=False, message=error.message) for each in expectations]
            return [
                check_schema(frame, each) if each.check == PANDERA else check_table(engine, table, each)
                for each in expectations
            ]

    def _refuse_unknown_columns(
        self, dataset: str, expectations: Sequence[Expectation], new: Sequence[str]
    ) -> None:
        """Before the first version, and of what is no table, any column may be named."""
        named = dict.fromkeys(column for each in expectations for column in _named_columns(each))
        if not named:
            return
        try:
            version = self.contents().dataset_version(dataset)
        except NotFound:
            return
        if version.columns is None:
            return
        there = [each.name for each in version.columns]
        unknown = [column for column in named if column not in there and column not in new]
        if not unknown:
            return
        near = difflib.get_close_matches(unknown[0], there, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        more = ", …" if len(there) > SHOWN_COLUMNS else ""
        raise InvalidInput(
            f"{dataset}@{version.version} has no column {', '.join(map(repr, unknown))}; it has "
            f"{', '.join(there[:SHOWN_COLUMNS]) or 'none'}{more}.{hint} A column that later versions are to "
            f"have is named as one: new_columns=[{unknown[0]!r}] (--new-column on the command line)."
        )

    def _refuse_bad_values(
        self, dataset: str, expectations: Sequence[Expectation], new: Sequence[str]
    ) -> None:
        """What no value of the newest version could be compared with would block every load."""
        asked = [
            each
            for each in expectations
            if each.check in ("between", "one_of") and each.columns[0] not in new
        ]
        if not asked:
            return
        try:
            version = self.contents().dataset_version(dataset)
        except NotFound:
            return
        columns = {each.name: column_of(each) for each in version.columns or ()}
        with open_engine(self._scratch) as engine:
            for each in asked:
                if (column := columns.get(each.columns[0])) is not None:
                    refuse_bad_values(engine, each, column, f"{dataset}@{version.version}")

    def _refuse_bad_patterns(self, expectations: Sequence[Expectation]) -> None:
        """The engine's regular expressions are RE2's, which know no look-ahead and no back references."""
        patterns = [each for each in expectations if each.check == "matches"]
        if not patterns:
            return
        with open_engine(self._scratch) as engine:
            for each in patterns:
                refuse_bad_pattern(engine, each.columns[0], each.arguments["regex"])

    @property
    def _scratch(self) -> Path:
        return self.settings.home / "cache" / "incoming"


def _named_columns(expectation: Expectation) -> Sequence[str]:
    """Those that the data has to have."""
    return required_columns(expectation) if expectation.check == PANDERA else expectation.columns


def _frame(expectations: Sequence[Expectation], path: Path, file_name: str) -> Any:
    """Loaded only where pandera has to look at it."""
    if not any(each.check == PANDERA for each in expectations):
        return None
    frame = tables.read(path, file_name)
    if frame is None:
        raise InvalidInput(f"{file_name!r} cannot be loaded as a DataFrame, which pandera looks at.")
    return frame


def _report(
    dataset: str,
    version: int | None,
    digest: str,
    results: Sequence[ExpectationResult],
    now: float,
    began: float,
) -> CheckReport:
    return CheckReport(
        dataset=dataset,
        version=version,
        digest=digest,
        passed=all(each.passed for each in results),
        results=list(results),
        checked_at=now,
        duration_s=time.perf_counter() - began,
    )
