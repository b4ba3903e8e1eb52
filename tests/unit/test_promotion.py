"""Promotion: which cells a job replays, how overrides win, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nbformat
import pytest

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.entities import Distribution
from jupyter_mlops.errors import ParameterError, PromotionRefused
from jupyter_mlops.notebooks.promotion import SETUP, Promotion, notes_on_undefined, promote
from jupyter_mlops.notebooks.selection import Carried
from jupyter_mlops.notebooks.values import expand, parse_parameters


def executed(*sources: str) -> list[ExecutedCell]:
    return [ExecutedCell(number=number, source=source, ok=True) for number, source in enumerate(sources, 1)]


def promoted(
    cells: Sequence[str | ExecutedCell],
    submitted: str,
    *params: str,
    name: str = "train",
    whole: bool = False,
    namespace: dict[str, Any] | None = None,
    carried: Carried | None = None,
) -> Promotion:
    history = [
        each if isinstance(each, ExecutedCell) else ExecutedCell(number=number, source=each, ok=True)
        for number, each in enumerate(cells, 1)
    ]
    (values,) = expand(parse_parameters(params))
    return promote(
        history, submitted, name=name, params=values, namespace=namespace, whole=whole, carried=carried
    )


def sources(promotion: Promotion) -> list[str]:
    return [cell.source for cell in promotion.notebook.cells]


def roles(promotion: Promotion) -> list[str]:
    return [cell.metadata.get("mlops", {}).get("role", "injected") for cell in promotion.notebook.cells]


def refusal(cells: Sequence[str | ExecutedCell], submitted: str, *params: str, whole: bool = False) -> str:
    with pytest.raises((PromotionRefused, ParameterError)) as refused:
        promoted(cells, submitted, *params, whole=whole)
    return refused.value.message


def test_the_notebook_replays_the_cells_and_tracks_the_submitted_one() -> None:
    found = promoted(["import math", "lr = 0.05  # how fast", "n = 3"], "print(lr, n)", "lr=0.1")
    nbformat.validate(found.notebook)
    assert list(zip(roles(found), sources(found), strict=True)) == [
        ("parameters", "# Parameters: papermill and -p override them.\nlr: float = 0.05  # how fast"),
        ("injected", "# Parameters\nlr = 0.1"),
        ("setup", SETUP),
        ("replay", "n = 3"),
        ("submitted", "%%track train\nprint(lr, n)"),
    ]
    assert found.kept == [2, 3]
    assert found.left_out == ["cell 1 (import math): nothing that it sets or changes is used"]
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
    assert sources(promoted([source], "1", whole=True))[2] == replayed


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
    assert sources(promoted([], "lr = 0.1\ntrain(lr)", "lr=0.2"))[-1] == "%%track train -p lr\ntrain(lr)"
    own_line = promoted([], "%%track mine -t a=b\nlr = 0.1", "lr=0.2")
    assert sources(own_line)[-1] == "%%track mine -t a=b -p lr\nlr = lr", "something has to be left"


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
    found = promoted(history, "x")
    assert (found.kept, found.notes, found.undecided) == ([1], [], [])
    assert found.left_out == [
        "cell 2 (1 / 0): it raised",
        "cell 5 (job.wait()): it submits, waits for or cancels jobs",
        "cell 6 (%mlops runs): it only shows something",
        "cell 7 (%mlops cancel abc123): it submits, waits for or cancels jobs",
        "cell 8 (this is = no python): it does not parse",
    ]


def test_the_command_line_in_a_cell_is_left_out_as_its_magics_are() -> None:
    cells = [
        "x = 1",
        "!jupyter mlops submit train.ipynb -p lr=0.1",
        "!!python -m jupyter_mlops.cli --json reproduce {x}",
        "import os\n!jupyter mlops cancel {x}",
        "!jupyter mlops jobs\n!jupyter-mlops show {x}",
        "%%bash\ncd ..\njupyter mlops submit train.ipynb",
    ]
    for whole in (False, True):
        found = promoted(cells, "print(x)", whole=whole)
        assert [cell.source for cell in found.notebook.cells[2:-1]] == ["x = 1"]
        assert found.left_out == [
            "cell 4 (import os): it submits, waits for or cancels jobs",
            "cell 5 (!jupyter mlops jobs): it only shows something",
            "cell 6 (%%bash): it submits, waits for or cancels jobs",
        ]
        assert found.undecided == []


def test_a_cell_that_only_calls_submit_is_not_said_to_be_missing() -> None:
    call = ExecutedCell(number=2, source="mlops.submit('a.ipynb', gpus=1)", ok=True, used_jobs=True)
    found = promoted(["import jupyter_mlops as mlops\nx = 1", call], "mlops.log(x=x)")
    assert (found.left_out, found.undecided) == ([], [])


@pytest.mark.parametrize(
    "line", ["!jupyter mlops export abc123 a.zip", "!jupyter mlops jobs > a.txt", "!jupyter mlopsy submit"]
)
def test_what_the_command_line_writes_is_there_for_the_cells_that_follow(line: str) -> None:
    assert promoted([line], "print(open('a.txt').read())").left_out == []


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
    found = promoted(history, "lr", whole=True)
    assert found.kept == [1, 8, 9]
    assert promoted(history, "lr").kept == [1]
    assert promoted(history, "twice").kept == [1, 8, 9]
    assert found.left_out[0] == "cell 3 (jobs = _): it only shows or passes on what cell 2, left out, made"


@pytest.mark.parametrize(
    "reader", ["train(job)", "accuracy = job.x + lr", "model.update(job)", "def f(): return job"]
)
def test_a_cell_that_works_with_a_job_that_is_left_out_is_refused(reader: str) -> None:
    history = [ExecutedCell(number=1, source="job = submit('a.ipynb')", ok=True, used_jobs=True)]
    said = refusal([*history, ExecutedCell(number=2, source=reader, ok=True)], "1", whole=True)
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
    said = refusal([FAILED, reader], "1", whole=True)
    assert said.startswith("Cell 2 reads 'x', which only cell 1 assigns (x = 1)")
    assert "it raised" in said
    assert said.endswith("or send the object as it is: --carry x.")


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
    assert promoted([FAILED, reader], "1", whole=True).kept == [2]


def test_the_submitted_cell_is_looked_at_as_well() -> None:
    assert refusal([FAILED], "print(x)").startswith("The submitted cell reads 'x', which only cell 1 assigns")


def test_a_function_may_read_what_a_later_kept_cell_assigns() -> None:
    later = ExecutedCell(number=3, source="x = 2", ok=True)
    assert promoted([FAILED, "def f():\n    return x", later], "f()").kept == [2, 3]


def test_a_function_that_reads_what_only_a_later_left_out_cell_assigns_is_refused() -> None:
    failed = ExecutedCell(number=2, source="x = 2; boom()", ok=False)
    assert refusal(["def f():\n    return x", failed], "f()").startswith("Cell 1 reads 'x'")


def test_with_whole_a_value_that_a_left_out_cell_may_have_changed_is_noted() -> None:
    failed = ExecutedCell(number=2, source="x = 2; boom()", ok=False)
    (note,) = promoted(["x = 1", failed], "print(x)", whole=True).notes
    assert note.startswith("the submitted cell reads 'x', which cell 2, left out, may have changed")
    assert promoted(["x = 1", failed, "x = 3"], "print(x)", whole=True).notes == []


@pytest.mark.parametrize(
    "source", ["x = 2; boom()", "x['a'] = 1; boom()", "del x[0]; boom()", "x.a = 1; boom()"]
)
def test_what_a_cell_that_raised_has_half_done_is_refused_where_it_is_needed(source: str) -> None:
    failed = ExecutedCell(number=2, source=source, ok=False)
    said = refusal(["x = {0: 1}", failed], "print(x)")
    assert said.startswith("The submitted cell reads 'x', which cell 2 ")
    assert "How far it came is not known: run what makes 'x' again, or send" in said
    assert promoted(["x = {0: 1}", failed, "x = {}"], "print(x)").kept == [3]
    assert promoted(["x = {0: 1}", failed, "y = 1"], "print(y)").kept == [3]


def test_what_a_cell_that_raised_may_have_done_unseen_is_not_decided() -> None:
    failed = ExecutedCell(number=3, source="tidy(df)", ok=False)
    found = promoted(["from mine import tidy", "df = [1]", failed], "print(df)")
    assert found.kept == [2]
    assert found.undecided == [
        "cell 3 (tidy(df)) is left out: it raised. What it may have done is not in the job "
        "(calls tidy() for what it does)"
    ]


def test_a_cell_that_used_jobs_and_is_not_needed_is_no_obstacle() -> None:
    history = [
        ExecutedCell(number=1, source="lr = 1", ok=True),
        ExecutedCell(number=2, source="job = mlops.submit('a.ipynb')\nlr = 2", ok=True, used_jobs=True),
        ExecutedCell(number=3, source="lr = 3", ok=True),
    ]
    assert promoted(history, "print(lr)").kept == [3]
    said = refusal(history[:2], "print(lr)")
    assert said.startswith("The submitted cell reads 'lr', which cell 2 assigns")
    assert "A job cannot see other jobs" in said


@pytest.mark.parametrize(
    "asks", ["x = input('how many? ')", "x = int(input())", "from getpass import getpass\nx = getpass()"]
)
def test_a_cell_that_asks_somebody_is_refused_with_the_ways_out(asks: str) -> None:
    said = refusal([asks], "print(x)")
    assert said.startswith("Cell 1 asks somebody (")
    assert "nobody answers in a job" in said
    assert "--carry NAME" in said
    assert promoted([asks], "print(1)").kept == [], "it is not needed"
    assert refusal([], asks).startswith("The submitted cell asks somebody")


@pytest.mark.parametrize(
    "may_ask", ["if interactive:\n    x = input()", "def ask():\n    return input()", "ask = lambda: input()"]
)
def test_what_asks_only_sometimes_is_not_refused(may_ask: str) -> None:
    assert promoted([], f"interactive = False\n{may_ask}").kept == []


def test_what_is_carried_stands_in_for_the_cells_that_made_it() -> None:
    carried = Carried("df = loaded('df')", ("df",))
    found = promoted(["import pandas as pd", "df = pd.DataFrame()", "n = 2"], "df, n", carried=carried)
    assert roles(found) == ["parameters", "setup", "replay", "carry", "submitted"]
    assert sources(found)[2:4] == ["n = 2", "df = loaded('df')"]
    assert found.notes == []
    failed = ExecutedCell(number=1, source="df = 1; boom()", ok=False)
    assert promoted([failed], "df", carried=carried).kept == []
    assert promoted([failed], "df", carried=carried, whole=True).kept == []
    (note,) = promoted([], "1", carried=carried).notes
    assert note == "df: carried, although neither the submitted cell nor what it needs uses it."


def test_what_is_carried_cannot_be_overridden() -> None:
    with pytest.raises(ParameterError, match="df cannot be overridden: --carry df sends its present value"):
        promoted(["df = 1"], "df", "df=2", carried=Carried("df = loaded('df')", ("df",)))


def test_the_live_namespace_tells_a_module_from_an_object() -> None:
    import math

    cells = ["import math as m", "x = m.pi"]
    assert promoted(cells, "m.floor(x)", namespace={"m": math, "x": math.pi}).kept == [1, 2]


def test_outputs_by_number_are_refused_where_they_are_needed() -> None:
    assert "in the job, cells have other numbers" in refusal(["y = Out[1]"], "y")
    assert promoted(["_1"], "1", whole=True).left_out == ["cell 1 (_1): it only shows something"]


@pytest.mark.parametrize(
    ("source", "rewritten"),
    [
        ("lr = 0.05", None),
        ("lr = 0.05;", None),
        ("a = 0; \\\nlr = 0.05", "a = 0; \\\nlr = lr"),
        ("lr: float = 0.05", None),
        ("lr = (\n    0.05\n)", None),
        ("lr = 5 * 1e-2", None),
        ("%%track a\n# c\nlr = 0.05", None),
        ("lr=0.05 # rate\nb = 1", "b = 1"),
        ("a = 1; lr = 0.05; b = 2", "a = 1; b = 2"),
        ("lr = 0.05; b = 2", "b = 2"),
        ("a = 1; lr = 0.05", "a = 1"),
        ("a = 1; lr = 0.05  # rate", "a = 1  # rate"),
        ("lr, batch = 0.05, 32", "lr, batch = lr, 32"),
        ("lr, batch = 0.05, 32\nlr = 1", "lr, batch = lr, 32\nlr = lr"),
        ("ü = 'ä'; lr = 0.05", "ü = 'ä'"),
        ("%%time\nlr = 0.05", "%%time\nlr = lr"),
        ("%%time\nlr = 0.05\nb = 1", "%%time\nb = 1"),
        ("%matplotlib inline\nlr = 0.05\n!ls", "%matplotlib inline\n!ls"),
        ("  lr = 0.05\n  b = 1", "b = 1\n"),
        ("print(1) if False else 0\nlr = 0.05", "print(1) if False else 0\nlr = lr"),
        (
            "def f(lr=0.3):\n    lr = 3\n    return lr\nlr = 0.05",
            "def f(lr=0.3):\n    lr = 3\n    return lr\n",
        ),
        ("class A:\n    lr = 0.3\nlr = 0.05", "class A:\n    lr = 0.3\n"),
        ('text = """\nlr = 0.05\n"""\nlr = 0.05', 'text = """\nlr = 0.05\n"""\n'),
    ],
)
def test_an_overridden_assignment_leaves_its_place(source: str, rewritten: str | None) -> None:
    found = promoted([source], "print(lr)", "lr=0.1", whole=True)
    assert sources(found)[3:-1] == ([] if rewritten is None else [rewritten])
    assert found.kept == [1]


def test_an_override_wins_over_all_literals_and_the_last_is_the_default() -> None:
    found = promoted(["lr = 1", "a = lr", "lr = 0.5"], "lr = 0.25\na, lr", "lr=0.1")
    assert sources(found)[0].endswith("lr: float = 0.25")
    assert sources(found)[3:] == ["a = lr", "%%track train -p lr\na, lr"]


def test_a_cells_value_stays_its_value() -> None:
    """Were the assignment taken out, what stands before it would be the cell's last expression."""
    assert sources(promoted([], "f(1)\nlr = 0.1", "lr=2"))[-1] == "%%track train -p lr\nf(1)\nlr = lr"


@pytest.mark.parametrize(
    ("default", "line"),
    [
        ("3", "x: int = 3"),
        ("'a'", "x: str = 'a'"),
        ("True", "x: bool = True"),
        ("None", "x = None"),
        ("[1, 2]", "x: list = [1, 2]"),
        ("float_like", None),
        ("1e400", "x: float = float('inf')"),
    ],
)
def test_the_parameters_cell_has_defaults_and_types(default: str, line: str | None) -> None:
    if line is None:
        assert "computes it" in refusal([f"x = {default}"], "x", "x=1")
        return
    value = {"'a'": "b", "True": "False", "[1, 2]": "[3]"}.get(default, "4")
    assert sources(promoted([f"x = {default}"], "x", f"x={value}"))[0].splitlines()[1:] == [line]


def test_a_mutable_override_is_written_out_at_every_place() -> None:
    found = promoted(
        ["layers = [1]\nlayers.append(2)", "a = layers", "layers = [3]"], "layers, a", "layers=[7]"
    )
    assert sources(found)[3:6] == ["layers = [7]\nlayers.append(2)", "a = layers", "layers = [7]"]


def test_a_mutable_override_of_one_place_leaves_it() -> None:
    found = promoted(["layers = [1]\nlayers.append(2)"], "layers", "layers=[7]")
    assert sources(found)[3:-1] == ["layers.append(2)"]


def test_what_is_searched_over_is_an_example_in_the_notebook() -> None:
    found = promoted(["lr = 0.05", "n = 3"], "lr, n", "lr=loguniform(1e-4, 1)", "n=5")
    assert found.space == {"lr": Distribution(kind="loguniform", low=1e-4, high=1)}
    assert found.values == {"lr": 0.0001, "n": 5}
    assert sources(found)[:2] == [
        "# Parameters: papermill and -p override them.\nlr: float = 0.05\nn: int = 3",
        "# Parameters\nlr = 0.0001\nn = 5",
    ]


@pytest.mark.parametrize("opaque", ["from config import *", "%run config.py", "%reset -f"])
def test_a_search_is_refused_where_something_may_set_the_name_unseen(opaque: str) -> None:
    said = refusal([opaque, "lr = 0.1"], "lr", "lr=uniform(0,1)", whole=True)
    assert said.startswith("lr cannot be searched over: cell 1 (")


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
    said = refusal(["lr = 0.05", source], "print(lr)", "lr=0.1", whole=True)
    assert said.startswith(f"lr cannot be overridden: cell 2 {reason}")


def test_an_unknown_parameter_is_refused_with_the_nearest() -> None:
    said = refusal(["learning_rate = 0.05", "epochs = 3"], "learning_rate, epochs", "learning_rte=0.1")
    assert said == (
        "No parameter 'learning_rte' in the cells that the job takes. Did you mean 'learning_rate'? "
        "Known: learning_rate, epochs."
    )


def test_an_override_of_another_type_is_refused() -> None:
    assert "epochs is of type int (default 3), and this is of type list" in refusal(
        ["epochs = 3"], "epochs", "epochs=[2.5]"
    )


def test_a_parameter_of_a_cell_that_is_not_needed_is_refused_with_that_reason() -> None:
    assert refusal(["lr = 0.1", "n = 2"], "n", "lr=0.5") == (
        "lr cannot be overridden: cell 1 (lr = 0.1) assigns it, and that cell is left out: nothing that it sets "
        "or changes is used. Neither the submitted cell nor what it needs uses lr."
    )


def test_a_name_of_pythons_own_is_no_parameter_even_where_it_is_assigned() -> None:
    assert "a name of Python's own" in refusal(["max = 3"], "max", "max=4")


def test_a_text_stays_a_text() -> None:
    cells = ["path = 'x'", "year = '2023'"]
    assert promoted(cells, "path, year", "path=a b", "year=2024").values == {"path": "a b", "year": "2024"}
    assert promoted(cells, "path, year", "path='a, b'", 'year="1,2"').values == {
        "path": "a, b",
        "year": "1,2",
    }


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
    found = promote(cells, "s, t, f, e", name="n", params=values)
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
    found = promoted(history, "1", whole=True)
    assert sources(found)[2:-1] == [
        "import os\nimport jupyter_mlops as mlops",
        "if True:\n    pass\n",
        "%load_ext autoreload\n%autoreload 2",
        'text = """\n%load_ext jupyter_mlops\n"""',
    ]
    assert (found.kept, found.left_out) == ([2, 3, 4, 5], [])


@pytest.mark.parametrize("source", ["cd ..", "pip install rich", "cat a b", "run my.py --x=1"])
def test_a_magic_without_its_percent_sign_is_replayed(source: str) -> None:
    assert sources(promoted([source], "1", whole=True))[2:-1] == [source]


def test_the_submitted_cell_is_tracked_and_has_no_magic_without_a_percent_sign() -> None:
    with pytest.raises(PromotionRefused, match="does not parse"):
        promoted([], "cd data")


@pytest.mark.parametrize("blank", ["s = 1\n\x0c\n", "s = 'a\u2028b'; ", "s = 1\r\n", "s = 1\r"])
def test_an_override_stands_where_its_literal_stood_whatever_ends_a_line(blank: str) -> None:
    found = promoted([f"{blank}lr, n = 0.1, 2\nprint(lr)"], "lr", "lr=0.5")
    assert sources(found)[3].replace("\r\n", "\n").replace("\r", "\n") == (
        blank.replace("\r\n", "\n").replace("\r", "\n") + "lr, n = lr, 2\nprint(lr)"
    )


@pytest.mark.parametrize("blank", ["s = 1\n\x0c\n", "s = 'a\u2028b'; ", "s = 1\r\n", "s = 1\r"])
def test_an_assignment_leaves_its_place_whatever_ends_a_line(blank: str) -> None:
    found = promoted([f"{blank}lr = 0.1\nt = s"], "lr, t", "lr=0.5")
    namespace: dict[str, Any] = {"lr": 0.5}
    exec(sources(found)[3], namespace)
    assert (namespace["lr"], namespace["t"]) == (0.5, namespace["s"])


@pytest.mark.parametrize("opaque", ["from config import *", "%run config.py"])
def test_an_override_of_a_name_that_may_come_from_elsewhere_is_refused(opaque: str) -> None:
    with pytest.raises(ParameterError, match=r"cell 1 may .*Assign it on a line of its own"):
        promoted([opaque], "print(lr)", "lr=0.5")
    found = promoted([opaque, "lr = 0.1"], "print(lr)", "lr=0.5")
    assert (found.values, sources(found)[4]) == ({"lr": 0.5}, "lr = 0.5")


def test_a_builtin_is_no_parameter() -> None:
    with pytest.raises(ParameterError, match="No parameter 'max'"):
        promoted([], "print(max([1, 2]))", "max=3")


def test_an_override_outlives_a_reset_of_the_namespace() -> None:
    assert sources(promoted(["%reset -f", "lr = 0.1"], "lr", "lr=0.5", whole=True))[4] == "lr = 0.5"


def test_a_cell_of_comments_is_nothing_to_submit() -> None:
    with pytest.raises(PromotionRefused, match="is empty"):
        promoted([], "# later\n")


@pytest.mark.parametrize(
    ("cells", "submitted", "missing"),
    [
        ([], "print(lrr)", ["lrr"]),
        (["lr = 1"], "print(lr, len('a'), kept)", []),
        ([], "def f():\n    return later\nx = 1\nx + f()", []),
        (["from math import *"], "print(pi)", []),
        (["b = 1"], "%%track train -p a\na = a\nprint(a, b, c)", ["c"]),
        ([], "mlops.log(loss=1.0)", ["mlops"]),
        ([], "[y for y in range(3)]\nprint(z, y)\n!ls {w}", ["w", "y", "z"]),
    ],
)
def test_a_name_that_neither_the_job_nor_the_kernel_has_is_noted(cells, submitted, missing) -> None:
    assert notes_on_undefined([*cells, submitted], {"kept": 1}) == [
        f"{name} is defined neither by the cells that the job takes nor in this kernel." for name in missing
    ]
    assert notes_on_undefined([*cells, submitted], None) == []
