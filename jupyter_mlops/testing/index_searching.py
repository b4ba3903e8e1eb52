"""Finding runs: the filter language, orders and pages."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from ..entities import RunKind, RunStatus, new_id
from ..errors import FilterError
from ..journal.records import Displayed, Edit, Params, Source, Tags
from ..protocols.runs import RunIndex
from .clocks import FakeClock
from .index_parts import ELSEWHERE, IndexContract, parts, sight
from .journals import RUN, Scribe


class SearchContract(IndexContract):
    """What a search finds, in which order, and what it refuses."""

    @pytest.fixture
    def three(self, index: RunIndex, tmp_path: Path, clock: FakeClock) -> dict[str, str]:
        """Runs a (finished, best), b (failed, no metric) and c (lost); by name their ids."""
        made: dict[str, str] = {}
        about: dict[str, dict[str, Any]] = {
            "a": {"lr": 0.1, "opt": "adam", "flag": True, "layers": [1, 2]},
            "b": {"lr": 10, "opt": "sgd"},
            "c": {"lr": "auto"},
        }
        for name, params in about.items():
            clock.sleep(10)
            scribe = Scribe(tmp_path, clock, run_id=new_id(clock())).start(name, process=ELSEWHERE)
            scribe.write(Params(p=params), Tags(g={"team": name, "all": "x"}))
            if name != "b":
                scribe.log(acc=0.9).log(acc=0.8 if name == "a" else math.nan)
            if name != "c":
                scribe.end(RunStatus.FINISHED if name == "a" else RunStatus.FAILED)
            index.apply(parts(scribe))
            made[name] = scribe.run_id
        clock.sleep(10_000)
        return made

    @pytest.mark.parametrize(
        ("condition", "names"),
        [
            ("", "abc"),
            ("params.lr < 5", "a"),
            ("params.lr >= 0.1", "ab"),
            ("params.lr != 0.1", "bc"),
            ("not params.opt = 'adam'", "bc"),
            ("params.opt != 'adam'", "b"),
            ("params.lr = 'auto' or params.lr = 10", "bc"),
            ("params.lr in (0.1, 'auto')", "ac"),
            ("params.opt not in ('adam', 'x')", "b"),
            ("params.flag = true", "a"),
            ("params.layers = '[1,2]'", "a"),
            ("params.opt is null", "c"),
            ("params.opt is not null", "ab"),
            ("metrics.acc > 0.7", "a"),
            ("metrics.acc.max > 0.85", "ac"),
            ("metrics.acc.min = 0.8", "a"),
            ("not metrics.acc > 0.7", "bc"),
            ("metrics.acc is null", "b"),
            ("metrics.acc != 5", "a"),
            ("tags.team = 'a' or tags.team = \"c\"", "ac"),
            ("tags.team in ('a', 'b') and not tags.team = 'b'", "a"),
            ("tags.team like 'A%'", "a"),
            ("tags.`all` = 'x'", "abc"),
            ("status = 'lost'", "c"),
            ("status != 'lost'", "ab"),
            ("status in ('finished', 'failed')", "ab"),
            ("status = 'running'", ""),
            ("status not in ('lost', 'failed')", "a"),
            ("status is not null", "abc"),
            ("params.lr = '0.1'", "a"),
            ("params.lr < 'b'", "abc"),
            ("params.flag = 'true'", "a"),
            ("params.opt > 'b'", "b"),
            ("params.opt not like 'A%'", "b"),
            ("tags.team = 5", ""),
            ("tags.team != 'a'", "bc"),
            ("metrics.acc in (0.8, 7)", "a"),
            ("metrics.acc not in (7)", "a"),
            ("metrics.acc.last = 0.8 and metrics.acc.max = 0.9", "a"),
            ("id is null or kind in ('cell', 'job')", "abc"),
            ("parent is null and job is null and sweep is null", "abc"),
            ("duration = 0", "abc"),
            ("started in ('2001-09-09')", ""),
            (r"name like '%\\%'", ""),
            ("params.opt like 'ad_m'", "a"),
            ("name like '%B%'", "b"),
            ("name not like 'b'", "ac"),
            ("experiment = 'digits' and kind = 'cell'", "abc"),
            ("notebook is null", "abc"),
            ("ended is null", "c"),
            ("duration >= 0 and duration < '1h'", "abc"),
            ("started > '1 d ago'", "abc"),
            ("started < '2001-09-09'", ""),
            ("NOT (name = 'a' OR name = 'b') AND status IS NOT NULL", "c"),
        ],
    )
    def test_filter(
        self, index: RunIndex, three: dict[str, str], clock: FakeClock, condition: str, names: str
    ) -> None:
        found, total = self.search(index, clock, condition, order_by="name")
        assert ("".join(each.run.name for each in found), total) == (names, len(names))

    @pytest.mark.parametrize(
        ("order_by", "names"),
        [
            ("", "cba"),
            ("started", "abc"),
            ("name desc", "cba"),
            ("metrics.acc desc", "acb"),
            ("metrics.acc", "acb"),
            ("metrics.acc.max desc, name", "acb"),
            ("status, name desc", "bac"),
            ("params.lr", "cab"),
            ("tags.all, name desc", "cba"),
            ("experiment, metrics.acc desc", "acb"),
            ("ended desc", "bac"),
        ],
    )
    def test_order(
        self, index: RunIndex, three: dict[str, str], clock: FakeClock, order_by: str, names: str
    ) -> None:
        found, _ = self.search(index, clock, order_by=order_by)
        assert "".join(each.run.name for each in found) == names

    @pytest.mark.parametrize("order_by", ["started desc", "metrics.acc desc", "params.opt, name"])
    def test_pages_together_are_the_whole(
        self, index: RunIndex, three: dict[str, str], clock: FakeClock, order_by: str
    ) -> None:
        whole, _ = self.search(index, clock, order_by=order_by)
        paged = []
        for offset in range(4):
            page, total = self.search(index, clock, order_by=order_by, limit=1, offset=offset)
            paged += page
            assert total == 3
        assert paged == whole

    @pytest.mark.parametrize(
        ("condition", "message"),
        [
            ("metrics.acc > 'x'", "expected a number after '>' at column 15: metrics.acc is one"),
            ("metrics.acc like 'x'", "'like' at column 13 compares text, and metrics.acc is a number"),
            ("tags.a > 3", "expected text in quotes after '>' at column 10: tags hold text"),
            ("status = 'done'", "no status 'done' at column 10: running, finished, failed, cancelled, lost"),
            ("status > 'lost'", "'>' before column 10 does not go with status: use = != or in"),
            ("duration > 'long'", "expected seconds or a text such as '90s', '10m', '2h' at column 12"),
            ("name like 3", "expected text in quotes after 'like' at column 11"),
        ],
    )
    def test_comparison_that_makes_no_sense_is_refused(
        self, index: RunIndex, clock: FakeClock, condition: str, message: str
    ) -> None:
        with pytest.raises(FilterError) as refused:
            self.search(index, clock, condition)
        assert refused.value.message == message

    def test_archived_runs_are_found_only_when_asked_for(
        self, index: RunIndex, three: dict[str, str], tmp_path: Path, clock: FakeClock
    ) -> None:
        editor = Scribe(tmp_path, clock, run_id=three["b"]).join(role="editor").write(Edit(archived=True))
        index.apply(parts(editor))
        shown, total = self.search(index, clock, order_by="name")
        assert ([each.run.name for each in shown], total) == (["a", "c"], 2)
        every, total = self.search(index, clock, order_by="name", archived=True)
        assert ([each.run.archived for each in every], total) == ([False, True, False], 3)

    def test_ids_are_found_by_their_end(self, index: RunIndex, three: dict[str, str]) -> None:
        assert index.ids_ending(three["a"][-6:], limit=5) == [three["a"]]
        assert index.ids_ending("%", limit=5) == []

    def test_children_and_jobs_find_their_runs(
        self, index: RunIndex, scribe: Scribe, tmp_path: Path, clock: FakeClock
    ) -> None:
        index.apply(parts(scribe.start("parent")))
        for number, kind in enumerate([RunKind.CELL, RunKind.JOB, RunKind.JOB]):
            clock.sleep(1)
            child = Scribe(tmp_path, clock, run_id=new_id(clock()))
            child.start(str(number), kind=kind, parent_id=RUN, job_id="job")
            index.apply(parts(child))
        children = index.children(RUN)
        names = [each.run.name for each in index.get(children, sight(clock()))]
        assert names == ["0", "1", "2"]
        assert index.of_jobs(["job", "other"]) == {"job": children[2]}
        assert index.experiments() == ["digits"]

    # ------------------------------------------------------------ code and output
    @pytest.fixture
    def texts(self, index: RunIndex, tmp_path: Path, clock: FakeClock) -> None:
        """Run a trains and says so, b is another with the same code, c has nothing, d prints a lot."""
        code = "model = GradientBoostingClassifier(lr=0.1)\nmodel.fit(x, y)  # 100% of x_train"
        for name in "abcd":
            clock.sleep(1)
            scribe = Scribe(tmp_path, clock, run_id=new_id(clock())).start(name)
            if name in "ab":
                scribe.write(Source(text=code))
            if name == "a":
                for part in ("epoch 1: con", "verged at 0.01\n"):
                    scribe.write(Displayed(message="stream", data={"text/plain": part}, name="stdout"))
            if name == "b":
                scribe.write(Displayed(message="execute_result", data={"text/plain": "DataFrame (3 rows)"}))
            if name == "d":
                for line in range(450):
                    scribe.write(Displayed(message="stream", data={"text/plain": f"line {line}\n" * 9}))
                scribe.write(Displayed(message="stream", data={"text/plain": "diverged at last\n"}))
            for delta in parts(scribe, limit=10_000):
                index.apply([delta])

    @pytest.mark.parametrize(
        ("condition", "names"),
        [
            ("code like '%GradientBoosting%'", "ab"),
            ("code like '%gradientboosting%'", "ab"),
            ("code like 'model%'", "ab"),
            ("code not like '%fit(x, y)%'", ""),
            ("code = 'fit gradient'", "ab"),
            ("code = 'fit forest'", ""),
            ("code != 'forest'", "ab"),
            ("code = '100%'", "ab"),
            ("code = 'x_tr'", "ab"),
            ("code = 'xxtr'", ""),
            ("code = 'lr'", "ab"),
            ("code is null", "cd"),
            ("code is not null", "ab"),
            ("not code = 'fit'", "cd"),
            ("code in ('forest', 'boosting')", "ab"),
            ("code not in ('forest', 'trees')", "ab"),
            ("output = 'converged'", "a"),
            ("output = '0.01 epoch'", "a"),
            ("output like '%verged at%'", "ad"),
            ("output = 'dataframe'", "b"),
            ("output = 'line 449'", "d"),
            ("output = 'diverged'", "d"),
            ("output is null", "c"),
            ("output = 'converged' or name = 'c'", "ac"),
            ("output = 'converged' and code = 'fit' and name = 'a'", "a"),
        ],
    )
    @pytest.mark.usefixtures("texts")
    def test_code_and_output_are_searched_for_words(
        self, index: RunIndex, clock: FakeClock, condition: str, names: str
    ) -> None:
        found, total = self.search(index, clock, condition, order_by="name")
        assert ("".join(each.run.name for each in found), total) == (names, len(names))

    @pytest.mark.parametrize(
        ("condition", "message"),
        [
            (
                "code > 'x'",
                "'>' at column 6 does not go with code: use = (all of these words), !=, in or like",
            ),
            (
                "output = ' '",
                "expected words in quotes after '=' at column 10: output is searched for all of them",
            ),
            ("code = 3", "expected words in quotes after '=' at column 8: code is searched for all of them"),
            ("code like 3", "expected text in quotes after 'like' at column 11"),
        ],
    )
    def test_text_search_that_makes_no_sense_is_refused(
        self, index: RunIndex, clock: FakeClock, condition: str, message: str
    ) -> None:
        with pytest.raises(FilterError) as refused:
            self.search(index, clock, condition)
        assert refused.value.message == message

    # ------------------------------------------------------------ pages
    def test_total_is_counted_only_when_asked_for(
        self, index: RunIndex, three: dict[str, str], clock: FakeClock
    ) -> None:
        found, total = self.search(index, clock, "params.lr is not null", limit=1, total=False)
        assert (len(found), total) == (1, None)
        found, total = self.search(index, clock, "params.lr is not null", limit=0)
        assert (found, total) == ([], 3)

    @pytest.mark.parametrize(
        "order_by",
        ["params.x", "params.x desc", "params.x desc, name", "metrics.m.max, params.x", "tags.t desc"],
    )
    def test_pages_of_mixed_values_follow_each_other(
        self, index: RunIndex, tmp_path: Path, clock: FakeClock, order_by: str
    ) -> None:
        values: list[Any] = [3, None, "b", 1.5, "a", [1], True, -2, None, "b"]
        for number, value in enumerate(values):
            clock.sleep(1)
            scribe = Scribe(tmp_path, clock, run_id=new_id(clock())).start(str(number))
            if value is not None:
                scribe.write(Params(p={"x": value}), Tags(g={"t": str(value)})).log(m=float(number % 3))
            index.apply(parts(scribe))
        whole, _ = self.search(index, clock, order_by=order_by)
        for limit in (1, 3, 7):
            paged = []
            for offset in range(0, 12, limit):
                page, _ = self.search(index, clock, order_by=order_by, limit=limit, offset=offset)
                paged += page
            assert [each.run.name for each in paged] == [each.run.name for each in whole]
        assert len(whole) == len(values)
