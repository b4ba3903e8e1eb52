"""Promotion: which cells a job replays, how overrides win, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nbformat
import pytest

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.errors import ParameterError, PromotionRefused
from jupyter_mlops.notebooks.promotion import SETUP, Promotion, promote
from jupyter_mlops.notebooks.values import expand, parse_parameters


def executed(*sources: str) -> list[ExecutedCell]:
    return [ExecutedCell(number=number, source=source, ok=True) for number, source in enumerate(sources, 1)]


def promoted(
    cells: Sequence[str | ExecutedCell], submitted: str, *params: str, name: str = "train"
) -> Promotion:
    history = [
        each if isinstance(each, ExecutedCell) else ExecutedCell(number=number, source=each, ok=True)
        for number, each in enumerate(cells, 1)
    ]
    (values,) = expand(parse_parameters(params))
    return promote(history, submitted, name=name, params=values)


def sources(promotion: Promotion) -> list[str]:
    return [cell.source for cell in promotion.notebook.cells]


def roles(promotion: Promotion) -> list[str]:
    return [cell.metadata.get("mlops", {}).get("role", "injected") for cell in promotion.notebook.cells]


def refusal(cells: Sequence[str | ExecutedCell], submitted: str, *params: str) -> str:
    with pytest.raises((PromotionRefused, ParameterError)) as refused:
        promoted(cells, submitted, *params)
    return refused.value.message


def test_the_notebook_replays_the_cells_and_tracks_the_submitted_one() -> None:
    found = promoted(["import math", "lr = 0.05"], "print(lr)", "lr=0.1")
    nbformat.validate(found.notebook)
    assert list(zip(roles(found), sources(found), strict=True)) == [
        ("parameters", "# Parameters: papermill and -p override them.\nlr = 0.05"),
        ("injected", "# Parameters\nlr = 0.1"),
        ("setup", SETUP),
        ("replay", "import math"),
        ("replay", "lr = lr"),
        ("submitted", "%%track train\nprint(lr)"),
    ]
    assert found.values == {"lr": 0.1}
    assert found.notebook.metadata.papermill.parameters == {"lr": 0.1}
    assert found.notebook.cells[0].metadata.tags == ["parameters"]
    assert found.notebook.cells[1].metadata.tags == ["injected-parameters"]


def test_without_overrides_nothing_is_rewritten_and_nothing_injected() -> None:
    found = promoted(["lr = 0.05"], "print(lr)")
    assert roles(found) == ["parameters", "setup", "replay", "submitted"]
    assert sources(found)[2] == "lr = 0.05"


def test_cells_keep_their_order_also_when_executed_again() -> None:
    found = promoted(["x = 1", "x += 1", "x += 1"], "print(x)")
    assert found.kept == [1, 2, 3]
    assert sources(found)[2:5] == ["x = 1", "x += 1", "x += 1"]


@pytest.mark.parametrize(
    ("source", "replayed"),
    [
        ("%%track\nx = 1", "x = 1"),
        ("%%track name -p lr\nx = 1\n", "x = 1\n"),
        ("# why\n\n%%track name\nx = 1", "# why\n\nx = 1"),
        ("%%track\n%%time\nx = 1", "%%time\nx = 1"),
        ("# why\n%%track\n\n%%time\nx = 1", "%%time\nx = 1"),
        ("%%time\n%%track\nx = 1", "%%time\nx = 1"),
        ("# why\n%%track\n%%bash\nls", "%%bash\nls"),
        ("x = '''\n%%track\n'''", "x = '''\n%%track\n'''"),
    ],
)
def test_replayed_cells_lose_their_track_line(source: str, replayed: str) -> None:
    assert sources(promoted([source], "1"))[2] == replayed


@pytest.mark.parametrize(
    ("source", "tracked"),
    [
        ("x", "%%track 'my run'\nx"),
        ("%%time\nx", "%%track 'my run'\n%%time\nx"),
        ("# why\n%%time\nx", "%%track 'my run'\n%%time\nx"),
        ("# why\nx", "%%track 'my run'\n# why\nx"),
        ("%%track other -e digits\nx", "%%track other -e digits\nx"),
    ],
)
def test_the_submitted_cell_is_tracked_under_its_name(source: str, tracked: str) -> None:
    assert sources(promoted(["x = 1"], source, name="my run"))[-1] == tracked


def test_an_override_of_the_submitted_cells_own_literal_stays_a_param_of_the_run() -> None:
    assert (
        sources(promoted([], "lr = 0.1\ntrain(lr)", "lr=0.2"))[-1]
        == "%%track train -p lr\nlr = lr\ntrain(lr)"
    )
    own_line = promoted([], "%%track mine -t a=b\nlr = 0.1", "lr=0.2")
    assert sources(own_line)[-1] == "%%track mine -t a=b -p lr\nlr = lr"


def test_cells_that_raised_or_used_jobs_are_left_out_and_listed() -> None:
    history = [
        ExecutedCell(number=1, source="x = 1", ok=True),
        ExecutedCell(number=2, source="1 / 0", ok=False),
        ExecutedCell(number=3, source="%%submit first\nx", ok=True),
        ExecutedCell(number=4, source="%submit other.ipynb", ok=True),
        ExecutedCell(number=5, source="job.wait()", ok=True, used_jobs=True),
        ExecutedCell(number=6, source="%mlops runs\n\n%mlops jobs", ok=True),
        ExecutedCell(number=7, source="%mlops cancel abc123", ok=True),
        ExecutedCell(number=8, source="this is = no python", ok=True),
    ]
    found = promote(history, "x", name="n", params={})
    assert found.kept == [1]
    assert found.left_out == [
        "cell 2 (1 / 0): it raised",
        "cell 5 (job.wait()): it submits, waits for or cancels jobs",
        "cell 6 (%mlops runs): it only shows something",
        "cell 7 (%mlops cancel abc123): it submits, waits for or cancels jobs",
        "cell 8 (this is = no python): it does not parse",
    ]


def test_cells_that_only_show_or_pass_on_a_job_are_left_out_with_it() -> None:
    history = [
        ExecutedCell(number=1, source="lr = 1", ok=True),
        ExecutedCell(number=2, source="%%submit sweep -p lr=1,2\nlr", ok=True),
        ExecutedCell(number=3, source="jobs = _", ok=True),
        ExecutedCell(number=4, source="jobs", ok=True),
        ExecutedCell(number=5, source="for job in jobs:\n    print(job.id, lr)", ok=True),
        ExecutedCell(number=6, source="best = jobs.best('acc')", ok=True, used_jobs=True),
        ExecutedCell(number=7, source="name = best.name.upper()", ok=True),
        ExecutedCell(number=8, source="lr * 2", ok=True),
        ExecutedCell(number=9, source="twice = _", ok=True),
    ]
    found = promote(history, "lr", name="n", params={})
    assert found.kept == [1, 8, 9]
    assert found.left_out[0] == "cell 3 (jobs = _): it only shows or passes on what cell 2, left out, made"


@pytest.mark.parametrize(
    "reader", ["train(job)", "accuracy = job.x + lr", "model.update(job)", "def f(): return job"]
)
def test_a_cell_that_works_with_a_job_that_is_left_out_is_refused(reader: str) -> None:
    history = [ExecutedCell(number=1, source="job = submit('a.ipynb')", ok=True, used_jobs=True)]
    said = refusal([*history, ExecutedCell(number=2, source=reader, ok=True)], "1")
    assert said.startswith("Cell 2 reads 'job', which only cell 1 assigns (job = submit('a.ipynb'))")
    assert "it submits, waits for or cancels jobs" in said


FAILED = ExecutedCell(number=1, source="x = 1\n1 / 0", ok=False)


@pytest.mark.parametrize(
    "reader",
    [
        "print(x)",
        "x += 1",
        "y = [x for _ in range(3)]",
        "def f():\n    return x",
        "g = lambda: x",
        "class A:\n    y = x",
        "class A:\n    def f(self):\n        return x",
        "!echo {x}",
        "!echo $x",
        "%time print(x)",
        "%%time\nprint(x)",
        "f'{x}'",
        "del x",
        "await x",
        "@x\ndef f(): pass",
        "def f(y=x): pass",
        "def f(y: x): pass",
        "def f() -> x: pass",
        "y: x = 1",
    ],
)
def test_a_cell_that_reads_what_only_a_left_out_cell_assigns_is_refused(reader: str) -> None:
    said = refusal([FAILED, reader], "1")
    assert said.startswith("Cell 2 reads 'x', which only cell 1 assigns (x = 1)")
    assert "it raised" in said


@pytest.mark.parametrize(
    "reader",
    [
        "x = 2\nprint(x)",
        "def f(x):\n    return x",
        "def f():\n    x = 3\n    return x",
        "[x for x in range(3)]",
        "for x in range(3):\n    print(x)",
        "class A:\n    x = 1\n    y = x",
        "lambda x: x",
        "import x",
        "obj.x",
        "f(x=1)",
        "%%bash\necho $x",
    ],
)
def test_a_cell_that_has_its_own_is_not_refused(reader: str) -> None:
    assert promoted([FAILED, reader], "1").kept == [2]


def test_the_submitted_cell_is_looked_at_as_well() -> None:
    assert refusal([FAILED], "print(x)").startswith("The submitted cell reads 'x', which only cell 1 assigns")


def test_a_function_may_read_what_a_later_kept_cell_assigns() -> None:
    later = ExecutedCell(number=3, source="x = 2", ok=True)
    assert promoted([FAILED, "def f():\n    return x", later], "f()").kept == [2, 3]


def test_a_function_that_reads_what_only_a_later_left_out_cell_assigns_is_refused() -> None:
    failed = ExecutedCell(number=2, source="x = 2; boom()", ok=False)
    assert refusal(["def f():\n    return x", failed], "f()").startswith("Cell 1 reads 'x'")


def test_a_value_that_a_left_out_cell_may_have_changed_is_noted() -> None:
    failed = ExecutedCell(number=2, source="x = 2; boom()", ok=False)
    (note,) = promoted(["x = 1", failed], "print(x)").notes
    assert note.startswith("the submitted cell reads 'x', which cell 2, left out, may have changed")
    assert promoted(["x = 1", failed, "x = 3"], "print(x)").notes == []


def test_outputs_by_number_are_refused_where_they_are_needed() -> None:
    assert "in the job, cells have other numbers" in refusal(["y = Out[1]"], "y")
    assert promoted(["_1"], "1").left_out == ["cell 1 (_1): it only shows something"]


@pytest.mark.parametrize(
    ("source", "rewritten"),
    [
        ("lr = 0.05", "lr = lr"),
        ("lr=0.05 # rate", "lr=lr # rate"),
        ("lr: float = 0.05", "lr: float = lr"),
        ("a = 1; lr = 0.05; b = 2", "a = 1; lr = lr; b = 2"),
        ("lr, batch = 0.05, 32", "lr, batch = lr, 32"),
        ("ü = 'ä'; lr = 0.05", "ü = 'ä'; lr = lr"),
        ("lr = (\n    0.05\n)", "lr = (\n    lr\n)"),
        ("lr = 5 * 1e-2", "lr = lr"),
        ("%%time\nlr = 0.05", "%%time\nlr = lr"),
        ("%%track a\n# c\nlr = 0.05", "# c\nlr = lr"),
        ("%matplotlib inline\nlr = 0.05\n!ls", "%matplotlib inline\nlr = lr\n!ls"),
        ("  lr = 0.05\n  b = 1", "lr = lr\nb = 1\n"),
        ("print(lr) if False else 0\nlr = 0.05", "print(lr) if False else 0\nlr = lr"),
        (
            "def f(lr=0.3):\n    lr = 3\n    return lr\nlr = 0.05",
            "def f(lr=0.3):\n    lr = 3\n    return lr\nlr = lr",
        ),
        ("class A:\n    lr = 0.3\nlr = 0.05", "class A:\n    lr = 0.3\nlr = lr"),
    ],
)
def test_an_override_takes_the_place_of_the_literal(source: str, rewritten: str) -> None:
    assert sources(promoted([source], "print(lr)", "lr=0.1"))[3] == rewritten


def test_an_override_wins_over_all_literals_and_the_last_is_the_default() -> None:
    found = promoted(["lr = 1", "lr = 0.5"], "lr = 0.25\nlr", "lr=0.1")
    assert sources(found)[0].endswith("lr = 0.25")
    assert sources(found)[3:5] == ["lr = lr", "lr = lr"]


def test_a_mutable_override_is_written_out_at_every_place() -> None:
    found = promoted(["layers = [1]\nlayers.append(2)", "layers = [3]"], "layers", "layers=[7]")
    assert sources(found)[3:5] == ["layers = [7]\nlayers.append(2)", "layers = [7]"]


def test_a_name_that_is_read_and_never_assigned_is_a_parameter() -> None:
    assert promoted([], "train(lr)", "lr=0.1").values == {"lr": 0.1}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("lr = compute()", "computes it (compute())"),
        ("lr = lr / 2", "computes it (lr / 2)"),
        ("lr /= 2", "changes it (lr /= 2)"),
        ("a = lr = 0.1", "assigns it in a chain"),
        ("lr, a = pair()", "unpacks it from pair()"),
        ("for lr in [1, 2]: pass", "uses it as a loop's variable"),
        ("if a:\n    lr = 0.1", "assigns it inside an if block"),
        ("for _ in a:\n    lr = 0.1", "assigns it inside a for block"),
        ("with a:\n    lr = 0.1", "assigns it inside a with block"),
        ("try:\n    lr = 0.1\nexcept E: pass", "assigns it inside a try block"),
        ("while a:\n    lr = 0.1", "assigns it inside a while block"),
        ("def f():\n    global lr\n    lr = 0.1", "assigns it in the function f as a global"),
        ("import lr", "imports it"),
        ("from m import a as lr", "imports it"),
        ("def lr(): pass", "defines a function of that name"),
        ("class lr: pass", "defines a class of that name"),
        ("del lr", "deletes it"),
        ("with a as lr: pass", "binds it with 'with ... as'"),
        ("try: pass\nexcept E as lr: pass", "binds it with 'except ... as'"),
        ("print(lr := 0.1)", "assigns it inside an expression"),
        ("match a:\n    case [lr]: pass", "captures it in a match"),
        ("lr = !ls", "computes it"),
        ("%time lr = 0.1", "assigns it in a %time line"),
    ],
)
def test_an_override_that_cannot_win_is_refused_with_the_reason(source: str, reason: str) -> None:
    said = refusal(["lr = 0.05", source], "print(lr)", "lr=0.1")
    assert said.startswith(f"lr cannot be overridden: cell 2 {reason}")


def test_an_unknown_parameter_is_refused_with_the_nearest() -> None:
    said = refusal(["learning_rate = 0.05", "epochs = 3"], "1", "learning_rte=0.1")
    assert said == (
        "No parameter 'learning_rte' in the executed cells. Did you mean 'learning_rate'? "
        "Known: learning_rate, epochs."
    )


def test_an_override_of_another_type_is_refused() -> None:
    assert "epochs is of type int (default 3), and this is of type list" in refusal(
        ["epochs = 3"], "1", "epochs=[2.5]"
    )


@pytest.mark.parametrize(
    ("submitted", "said"),
    [
        ("", "is empty"),
        ("\n  \n", "is empty"),
        ("x = (", "does not parse"),
        ("return 1", "does not parse: 'return' outside function (line 1)"),
        ("a = 1\nfor", "(line 2)"),
        ("%%submit again\nx", "does not submit itself again"),
        ("%submit other.ipynb", "does not submit itself again"),
    ],
)
def test_a_submitted_cell_that_cannot_run_is_refused(submitted: str, said: str) -> None:
    assert said in refusal([], submitted)


@pytest.mark.parametrize(
    "submitted", ["await train()", "async for x in y: pass", "!ls", "%time f()", "%%bash\nls -l", "x?"]
)
def test_what_ipython_understands_is_accepted(submitted: str) -> None:
    assert promoted([], submitted).kept == []


def test_strings_and_odd_values_are_injected_as_they_are() -> None:
    values: dict[str, Any] = {"s": 'a "quote" \\ and \n line', "t": (1,), "f": float("inf"), "e": set()}
    cells = executed("s = ''", "t = (0,)", "f = 0.0", "e = {1}")
    found = promote(cells, "1", name="n", params=values)
    namespace: dict[str, Any] = {}
    exec(found.notebook.cells[1].source, namespace)
    assert {name: namespace[name] for name in values} == values


def test_the_extension_is_not_loaded_again_by_replayed_cells() -> None:
    history = [
        "%load_ext jupyter_mlops",
        "import os\n%load_ext jupyter_mlops\nimport jupyter_mlops as mlops",
        "if True:\n    %load_ext jupyter_mlops\n",
        "%load_ext autoreload\n%autoreload 2",
        'text = """\n%load_ext jupyter_mlops\n"""',
        "load_ext jupyter_mlops",
    ]
    found = promoted(history, "1")
    assert sources(found)[2:-1] == [
        "import os\nimport jupyter_mlops as mlops",
        "if True:\n    pass\n",
        "%load_ext autoreload\n%autoreload 2",
        'text = """\n%load_ext jupyter_mlops\n"""',
    ]
    assert (found.kept, found.left_out) == ([2, 3, 4, 5], [])


@pytest.mark.parametrize("source", ["cd ..", "pip install rich", "cat a b", "run my.py --x=1"])
def test_a_magic_without_its_percent_sign_is_replayed(source: str) -> None:
    assert sources(promoted([source], "1"))[2:-1] == [source]


def test_the_submitted_cell_is_tracked_and_has_no_magic_without_a_percent_sign() -> None:
    with pytest.raises(PromotionRefused, match="does not parse"):
        promoted([], "cd data")


@pytest.mark.parametrize("blank", ["s = 1\n\x0c\n", "s = 'a\u2028b'; ", "s = 1\r\n", "s = 1\r"])
def test_an_override_stands_where_its_literal_stood_whatever_ends_a_line(blank: str) -> None:
    found = promoted([f"{blank}lr = 0.1\nprint(lr)"], "lr", "lr=0.5")
    assert sources(found)[3].replace("\r\n", "\n").replace("\r", "\n") == (
        blank.replace("\r\n", "\n").replace("\r", "\n") + "lr = lr\nprint(lr)"
    )


@pytest.mark.parametrize("opaque", ["from config import *", "%run config.py"])
def test_an_override_of_a_name_that_may_come_from_elsewhere_is_refused(opaque: str) -> None:
    with pytest.raises(ParameterError, match=r"cell 1 may .*Assign it on a line of its own"):
        promoted([opaque], "print(lr)", "lr=0.5")
    assert promoted([opaque, "lr = 0.1"], "print(lr)", "lr=0.5").values == {"lr": 0.5}


def test_a_builtin_is_no_parameter() -> None:
    with pytest.raises(ParameterError, match="No parameter 'max'"):
        promoted([], "print(max([1, 2]))", "max=3")


def test_an_override_outlives_a_reset_of_the_namespace() -> None:
    assert sources(promoted(["%reset -f", "lr = 0.1"], "lr", "lr=0.5"))[4] == "lr = 0.5"


def test_a_cell_of_comments_is_nothing_to_submit() -> None:
    with pytest.raises(PromotionRefused, match="is empty"):
        promoted([], "# later\n")
