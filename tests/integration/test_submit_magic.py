"""``%%submit`` and ``%submit`` in a real kernel; jobs run to their end by a real agent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import RunKind
from jupyter_mlops.journal.records import Start
from jupyter_mlops.services.jobs.agent_control import AgentControl

from .kernel import NOTEBOOK, Kernel, environment, metrics, of, params, running_kernel, runs_in


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path, JUPYTER_MLOPS_NOTEBOOK=NOTEBOOK) as kernel:
        yield kernel
    AgentControl(load_settings(environ=environment(tmp_path))).stop()


def jobs_in(kernel: Kernel) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted((kernel.home / "jobs").glob("*/spec.json"))]


def error_of(kernel: Kernel, cell: str) -> str:
    reply = kernel.run(cell)
    (error,) = reply.errors
    assert error["traceback"] == [f"{error['ename']}: {error['evalue']}"], "one line, no traceback"
    return f"{error['ename']}: {error['evalue']}"


def test_a_dry_run_shows_the_notebook_that_would_run(kernel: Kernel) -> None:
    kernel.run("lr = 0.05")
    kernel.run("%%track\nx = lr * 2")
    kernel.run("1 / 0")
    kernel.run("def unused():\n    return 1")
    reply = kernel.run("%%submit big --dry-run -p lr=0.1\nprint(x)")
    assert reply.ok
    assert reply.text == (
        "# %% parameters\n# Parameters: papermill and -p override them.\nlr: float = 0.05\n\n"
        "# %% injected parameters\n# Parameters\nlr = 0.1\n\n"
        "# %% setup\n%load_ext jupyter_mlops\n%mlops replay\n\n"
        "# %% replays cell 3: sets x, which the submitted cell uses\nx = lr * 2\n\n"
        "# %% the submitted cell\n%%track big\nprint(x)\n\n"
        "# left out:\n"
        "#   cell 1 (%load_ext jupyter_mlops): it sets and changes nothing\n"
        "#   cell 4 (1 / 0): it raised\n"
        "#   cell 5 (def unused():): nothing that it sets or changes is used\n"
    )
    assert jobs_in(kernel) == []
    assert not kernel.run("%%submit -p lr=fast\nprint(x)").ok


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (
            "%%submit -p lrr=0.1\nlr",
            "ParameterError: No parameter 'lrr' in the cells that the job takes. Did you mean 'lr'?",
        ),
        ("%%submit -p lr=fast\nlr", "ParameterError: lr=fast: lr is of type float"),
        ("%%submit -p lr=[1\nlr", "BadArguments: ] is missing at the end of"),
        ("%%submit --trials 3 --goal maximize:a\nlr", "InvalidInput: There is nothing to search over"),
        (
            "%%submit -p lr=uniform(0,1)\nlr",
            "ParameterError: lr=uniform(0, 1) is searched over: say how many",
        ),
        ("%%submit -p lr=uniform(0,1) --trials 3\nlr", "InvalidInput: Say what the trials are after: --goal"),
        (
            "%%submit -p note=uniform(0,1) --trials 3 --goal maximize:a\nnote",
            "ParameterError: note=uniform(0, 1): note is of type str (default 'a')",
        ),
        (
            "%%submit -p note=b\nlr",
            "ParameterError: note cannot be overridden: cell 3 (note = 'a') assigns it, and that cell is left out",
        ),
        ("%%submit", "PromotionRefused: The submitted cell is empty: put the code of the job below"),
        ("%%submit --gpus 1\n\n", "PromotionRefused: The submitted cell is empty"),
        ("%%submit\nlr = input()", "PromotionRefused: The submitted cell asks somebody (input())"),
        ("%%submit\nopen('no.txt')", "NotFound: open('no.txt') reads a file that is not there"),
        (
            "%%submit --carry lrr\nlr",
            "InvalidInput: There is no variable 'lrr' to carry in this kernel. Did you",
        ),
        ("%%submit --carry lock\nlock", "PromotionRefused: 'lock' cannot be carried: "),
        ("%%submit --return x\nlr", "InvalidInput: --return x: no cell of the job sets 'x'."),
        ("%submit broken.ipynb", "InvalidInput: Cell 1 of the notebook does not parse: "),
        ("%%submit --on lcal\nlr", "InvalidInput: No executor 'lcal'. Did you mean 'local'?"),
        ("%%submit --gpus 1.5\nlr", "BadArguments: A job takes whole GPUs, or a share of one such as 0.5"),
        ("%%submit --slurm-partition gpu\nlr", "BadArguments: --slurm-partition is for jobs on slurm"),
        ("%%submit --cron '0 3 * *'\nlr", "BadArguments: cron: '0 3 * *' has 4 fields"),
        ("%%submit --cron @daily -p lr=1,2\nlr", "InvalidInput: A schedule runs one job each time"),
        ("%%submit\nlr = (", "PromotionRefused: The submitted cell does not parse"),
        ("%%submit\nlost", "PromotionRefused: The submitted cell reads 'lost', which only cell 5 assigns"),
        ("%%submit --gpus 1000\nlr", "InvalidInput"),
        ("%submit none.ipynb", "NotFound: The notebook"),
        (
            "%submit my train.ipynb",
            "BadArguments: %submit: unrecognized arguments: train.ipynb (a blank parts",
        ),
        ("%submit none.ipynb -p lr={lr.rate}", "BadArguments: {lr.rate}: 'float' object has no 'rate'."),
        ("%submit", "BadArguments: %submit: the following arguments are required: NOTEBOOK.ipynb"),
    ],
)
def test_what_cannot_run_is_refused_in_one_line_and_nothing_is_queued(
    kernel: Kernel, tmp_path: Path, cell: str, said: str
) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell("for")]), tmp_path / "broken.ipynb")
    kernel.run("lr = 0.05")
    kernel.run("note = 'a'")
    kernel.run("import threading\nlock = threading.Lock()")
    kernel.run("lost = 1\nraise ValueError")
    assert error_of(kernel, cell).startswith(said)
    assert jobs_in(kernel) == []


def test_a_cell_becomes_a_schedule_that_is_listed_run_and_deleted(kernel: Kernel) -> None:
    kernel.run("lr = 0.05")
    reply = kernel.run("%%submit nightly --cron '0 3 1 1 *' --timezone UTC -p lr=0.5\nlr * 2")
    assert reply.ok, reply.errors
    assert "At 03:00 on January 1 (UTC); next: " in reply.text
    assert jobs_in(kernel) == []
    kernel.run("schedule = _")
    assert kernel.value("(type(schedule).__name__, schedule.name, schedule.enabled)") == (
        "Schedule",
        "nightly",
        True,
    )
    assert kernel.value("repr(schedule)").startswith(
        f"Schedule({kernel.value('schedule.id[-6:]')}, 'nightly', At "
    )
    assert kernel.value("str(schedule.next_run.tzinfo)") == "UTC"
    listed = kernel.run("%mlops schedules").text.splitlines()
    assert listed[2].split()[1:3] == ["nightly", "active"]
    assert "cron 0 3 1 1 *" in kernel.run("%mlops show {schedule.id}").text
    assert kernel.run("job = schedule.run_now().wait(120)").ok
    assert kernel.value("(job.status, job.result)") == ("succeeded", 1.0), kernel.run(
        "print(job.logs())"
    ).text
    assert kernel.value("[each.id for each in schedule.jobs] == [job.id]")
    assert "is paused." in kernel.run("%mlops schedules pause {schedule.id}").text
    assert kernel.value("schedule.enabled") is False
    kernel.run("import jupyter_mlops as mlops")
    assert kernel.value("list(mlops.schedules().status)") == ["paused"]
    assert kernel.value("mlops.schedule(schedule.id).resume().enabled")
    assert error_of(kernel, "%mlops schedules stop x").startswith("BadArguments: Write %mlops schedules, or")
    assert "was deleted; its runs stay." in kernel.run("%mlops schedules delete {schedule.id}").text
    assert kernel.run("%mlops schedules").text.startswith("No schedules. Make one: %%submit --cron")


def test_a_submitted_cell_runs_as_a_job_and_its_value_is_the_job(kernel: Kernel) -> None:
    kernel.run("import jupyter_mlops as mlops\nlr = 0.05")
    kernel.run("%%track earlier\nmlops.log(loss=1)\nbase = 10")
    reply = kernel.run("%%submit big -p lr=0.5\nmlops.log(seen=lr)\nprint('working')\nbase * lr")
    assert reply.ok, reply.errors
    assert "working" not in reply.text, "the body is not run here"
    kernel.run("job = _")
    assert kernel.value("(type(job).__name__, job.name, job.params)") == ("Job", "big", {"lr": 0.5})
    assert kernel.run("job.wait(120)").ok
    assert kernel.value("(job.status, job.result)") == ("succeeded", 5.0), kernel.run(
        "print(job.logs())"
    ).text
    assert "working\n" in kernel.value("str(job.logs())")
    earlier, job = kernel.runs().values()
    assert metrics(earlier) == {"loss": 1}, "replaying does not log again"
    (start,) = of(job, Start)
    assert (start.kind, start.name, start.notebook) == (RunKind.JOB, "big", NOTEBOOK)
    assert params(job) == {"lr": 0.5, "base": 10}
    assert metrics(job) == {"seen": 0.5}


def test_a_sweep_waits_with_wait_and_later_cells_leave_it_out(kernel: Kernel) -> None:
    kernel.run("import jupyter_mlops as mlops")
    reply = kernel.run("%%submit grid -p n=1,2 --wait\nmlops.log(square=n * n)\nn * n")
    assert reply.ok, reply.errors
    assert "2 trials: 2 finished" in reply.text
    assert kernel.value("_.results") == [1, 4]
    shown = kernel.run("%%submit again --dry-run\nprint(1)").text
    assert "square" not in shown
    assert "results" not in shown.partition("# left out:")[0]


def test_waiting_for_a_job_that_fails_fails_the_cell(kernel: Kernel) -> None:
    said = error_of(kernel, "%%submit broken --wait\nraise ValueError('too small')")
    assert said.startswith("JobFailed: Job ")
    assert "ValueError: too small" in said


def test_a_submit_says_how_many_cells_it_takes(kernel: Kernel) -> None:
    kernel.run("1 / 0")
    kernel.run("x = 1")
    reply = kernel.run("%%submit\nx")
    assert reply.text == "The job takes 1 of the 3 executed cells: 3.\n"
    kernel.run("_.cancel()")
    reply = kernel.run("%%submit --whole\nx")
    assert reply.text.splitlines()[0] == "Left out of the job: cell 2 (1 / 0): it raised."
    kernel.run("_.cancel()")


def test_what_is_not_decided_is_said_before_the_job_is_queued(kernel: Kernel) -> None:
    kernel.run("import random\nx = random.random()")
    reply = kernel.run("%%submit --gpus 1000\nx")
    assert reply.text.splitlines() == [
        "The job takes 1 of the 2 executed cells: 2.",
        "Not decided: cell 2: random.random() draws random numbers that no seed decides.",
    ]
    assert not reply.ok
    assert jobs_in(kernel) == []


def test_an_answer_that_was_asked_for_is_carried(kernel: Kernel) -> None:
    kernel.run("class Answer:\n    text = 'yes'")
    kernel.run("def ask():\n    return Answer()\nanswer = ask() if True else input()")
    reply = kernel.run("%%submit --carry answer --return said --wait\nsaid = answer.text * 2")
    assert reply.ok, reply.errors
    assert "Carries answer (Answer, " in reply.text
    assert kernel.value("_.namespace('said')") == "yesyes"


def test_a_search_finds_the_best_of_its_trials(kernel: Kernel) -> None:
    kernel.run("import jupyter_mlops as mlops\nlr = 0.05\nname = 'a'")
    reply = kernel.run(
        "%%submit search -p lr=uniform(0,1) -p name=b,c --trials 2 --goal maximize:score --sampler random --seed 1 "
        "--wait\nmlops.log(score=lr)\nname",
        timeout_s=120,
    )
    assert reply.ok, reply.errors
    kernel.run("sweep = _")
    assert kernel.value("len(sweep)") == 2
    assert kernel.value("sweep.best('score').params['lr'] == max(job.params['lr'] for job in sweep)")
    assert kernel.value("set(sweep.results) <= {'b', 'c'}")
    (error,) = kernel.run("sweep.best('scor')").errors
    assert error["evalue"].endswith(" has logged 'scor'. Logged: score.")


def test_the_lines_variables_are_filled_in(kernel: Kernel) -> None:
    kernel.run("lr = 0.05\nbest = 0.25\ncfg = {}")
    shown = kernel.run("%%submit x --dry-run -p lr={best} -p cfg={'a': 1}\nprint(lr, cfg)").text
    assert "# Parameters\nlr = 0.25\ncfg = {'a': 1}\n" in shown


def test_a_notebook_runs_as_a_job(kernel: Kernel, tmp_path: Path) -> None:
    made = [
        new_code_cell("lr = 0.05", metadata={"tags": ["parameters"]}),
        new_code_cell("%load_ext jupyter_mlops\nimport jupyter_mlops as mlops"),
        new_code_cell("%%track inner\nmlops.log(seen=lr)"),
        new_code_cell("mlops.log(outside=lr)"),
    ]
    nbformat.write(new_notebook(cells=made), tmp_path / "train.ipynb")
    reply = kernel.run("%submit train.ipynb -p lr=0.5 --wait")
    assert reply.ok, reply.errors
    job, inner = runs_in(kernel.home).values()
    (start,) = of(job, Start)
    assert (start.kind, start.name, start.notebook) == (RunKind.JOB, "train", str(tmp_path / "train.ipynb"))
    assert params(job) == {"lr": 0.5}
    assert metrics(job) == {"outside": 0.5}
    assert of(inner, Start)[0].parent_id == next(iter(runs_in(kernel.home)))
    assert metrics(inner) == {"seen": 0.5}
    kernel.run("job = _")
    assert "ran a whole notebook, which has no result" in kernel.run("job.result").errors[0]["evalue"]


def test_a_jobs_folder_and_environment_are_the_kernels(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "mine.py").write_text("answer = 42")
    kernel.run("import os, sys\nos.environ['GREETING'] = 'hello'\nsys.path.insert(0, os.path.abspath('lib'))")
    kernel.run("%cd data")
    reply = kernel.run(
        "%%submit --wait\nfrom mine import answer\nos.environ['GREETING'], os.path.basename(os.getcwd()), answer, sys.executable"
    )
    assert reply.ok, reply.errors
    assert kernel.value("_.result[:3]") == ("hello", "data", 42)
    assert kernel.value("_.result[3] == sys.executable")


def test_a_folder_that_was_changed_without_a_percent_sign_is_the_jobs_as_well(
    kernel: Kernel, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    assert kernel.run("cd data").ok
    assert kernel.run("import os").ok
    reply = kernel.run("%%submit --wait\nos.path.basename(os.getcwd())")
    assert reply.ok, reply.errors
    assert "Left out" not in reply.text
    assert kernel.value("(_.result, 'already loaded' in _.logs())") == ("data", False)


def test_a_job_that_fails_names_the_persons_own_cell(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "once.txt").touch()
    assert kernel.run("import os\nsize = os.stat('once.txt').st_size\nos.remove('once.txt')").ok
    said = error_of(kernel, "%%submit --wait\nsize")
    assert "failed: the replay of cell 2 raised FileNotFoundError" in said
