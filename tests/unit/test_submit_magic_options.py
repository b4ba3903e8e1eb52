"""What may stand on the %%submit line."""

from __future__ import annotations

import pytest

from jupyter_mlops.entities import CatchUp, Cause, Distribution, Goal, Overlap, Resources, Timing
from jupyter_mlops.magics.options import BadArguments
from jupyter_mlops.magics.submit_options import SubmitOptions, parse_submit, split_line
from jupyter_mlops.notebooks.values import Given, Values
from jupyter_mlops.services.submission.request import Request, Search


def test_all_flags_are_understood() -> None:
    line = (
        "'my job' --on local --gpus 2 --cpus 4 --memory 8G --time 1h30m --priority -1 --retries 2 --after abc123 "
        "--after def456 -p lr=0.1,0.01 -p name='a,b' -p layers=[64, 32] -p n=int(1, 8) --whole --dry-run --wait "
        "--carry df,model --carry x --return y --include data/** --exclude *.bak --trials 20 "
        "--goal maximize:acc --sampler tpe --pruner median --seed 0 --parallel 2"
    )
    assert parse_submit(line, cell=True) == SubmitOptions(
        subject="my job",
        request=Request(
            name="my job",
            params={
                "lr": Values((Given("0.1", 0.1), Given("0.01", 0.01))),
                "name": Given("'a,b'", "a,b"),
                "layers": Given("[64, 32]", [64, 32]),
                "n": Distribution(kind="int", low=1, high=8),
            },
            resources=Resources(gpus=2, cpus=4, memory_bytes=8 * 1024**3, time_limit_s=5400),
            learn=("gpu_memory_bytes",),
            priority=-1,
            retries=2,
            after=("abc123", "def456"),
            whole=True,
            carry=("df", "model", "x"),
            returns=("y",),
            include=("data/**",),
            exclude=("*.bak",),
            search=Search(
                trials=20,
                goal=Goal(metric="acc", direction="maximize"),
                sampler="tpe",
                pruner="median",
                seed=0,
                parallel=2,
            ),
        ),
        dry_run=True,
        wait=True,
    )


def test_flags_of_the_queue_are_understood() -> None:
    line = (
        "--gpus 0.5 --gpu-memory 6G --on local,slurm --slurm-partition gpu --slurm-nice=-5 --slurm-exclusive "
        "--after-any abc123 --retries 3 --retry-on memory,gpu_memory --retry-on node --retry-delay 30s"
    )
    assert parse_submit(line, cell=True).request == Request(
        resources=Resources(gpus=0.5, gpu_memory_bytes=6 * 1024**3),
        learn=("cpus", "memory_bytes"),
        executor="local",
        executors=("local", "slurm"),
        options={"slurm": {"partition": "gpu", "nice": "-5", "exclusive": ""}},
        retries=3,
        retry_on=(Cause.MEMORY, Cause.GPU_MEMORY, Cause.NODE),
        retry_delay_s=30,
        after_any=("abc123",),
    )


def test_flags_of_a_schedule_are_understood() -> None:
    line = "nightly --cron '0 3 * * 1-5' --timezone Europe/Berlin --catch-up skip --overlap allow"
    assert parse_submit(line, cell=True).request == Request(
        name="nightly",
        timing=Timing(
            cron="0 3 * * 1-5", timezone="Europe/Berlin", catch_up=CatchUp.SKIP, overlap=Overlap.ALLOW
        ),
    )


def test_an_executor_that_others_added_has_options_where_the_job_goes_there() -> None:
    found = parse_submit("--on acme --acme-queue fast", cell=True).request
    assert found.options == {"acme": {"queue": "fast"}}
    with pytest.raises(BadArguments, match="unrecognized arguments: --acme-queue"):
        parse_submit("--acme-queue fast", cell=True)


def test_one_executor_named_twice_is_one() -> None:
    assert parse_submit("--on local,local", cell=True) == SubmitOptions()


def test_without_flags_the_defaults_hold() -> None:
    assert parse_submit("", cell=True) == SubmitOptions()


def test_the_line_magic_takes_a_notebook() -> None:
    found = parse_submit("'my notebook.ipynb' --name other", cell=False)
    assert (found.subject, found.request.name) == ("my notebook.ipynb", "other")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--gpus two", "gpus must be a number of GPUs, or a share of one such as 0.5, not 'two'"),
        ("--gpus=-1", "gpus must be a number of GPUs, or a share of one such as 0.5, not '-1'"),
        ("--gpus nan", "gpus must be a number of GPUs"),
        ("--gpus 1.5", "A job takes whole GPUs, or a share of one such as 0.5, not 1.5 of them"),
        ("--gpu-memory 6G", "--gpu-memory is what a job needs of its GPU's memory: add a GPU or a share"),
        ("--gpu-memry 6G", "unrecognized arguments: --gpu-memry (did you mean --gpu-memory?). Usage"),
        ("--cpus 0", "cpus must be at least 1, not 0"),
        ("--priority high", "a whole number is needed, not 'high'"),
        ("--on local,", "on: a name is missing in 'local,'"),
        (
            "--retries 1 --retry-on memry",
            "no failure is called 'memry'. Did you mean 'memory'? There are: error",
        ),
        ("--retries 1 --retry-on user", "no failure is called 'user'"),
        ("--retry-on memory", "--retry-on says how failures are tried again: add how often"),
        ("--retry-delay 5s", "--retry-delay says how failures are tried again: add how often"),
        ("--retries 1 --retry-delay soon", "Not a duration: 'soon'"),
        (
            "--slurm-partition gpu",
            "--slurm-partition is for jobs on slurm, and this one goes to local: add --on",
        ),
        (
            "--on slurm --ray-working_dir .",
            "--ray-working_dir is for jobs on ray, and this one goes to slurm",
        ),
        ("--cron '0 3 * *'", "cron: '0 3 * *' has 4 fields. Write five (minute, hour, day of the month"),
        ("--cron '61 3 * * *'", "cron: the minute in '61 3 * * *' cannot be read"),
        ("--cron '0 0 30 2 *'", "cron: the day of month in '0 0 30 2 *' cannot be read, or never comes"),
        ("--cron @daly", "cron: there is no '@daly'. Did you mean '@daily'? There are: @hourly"),
        (
            "--cron '* * * * *' --timezone Europe/Berln",
            "'Europe/Berln' is none. Did you mean 'Europe/Berlin'?",
        ),
        (
            "--cron '* * * * *' --catch-up last",
            "There is no catch-up 'last'. Did you mean 'latest'? There are: latest, skip, all",
        ),
        ("--cron '* * * * *' --overlap maybe", "There is no overlap 'maybe'. There are: skip, allow"),
        ("--timezone UTC", '--timezone is for schedules: say when it runs, such as --cron "0 3 * * *"'),
        ("--catch-up all", "--catch-up is for schedules"),
        ("--cron '* * * * *' --wait", "--wait waits for a job, and a schedule has none yet"),
        ("--memory lots", "Not an amount of memory: 'lots'"),
        ("--time soon", "Not a duration: 'soon'"),
        ("-p lr", "write -p NAME=VALUE"),
        ("-p lr=1 -p lr=2", "given twice"),
        ("-p lr=loguniform(1, 1e-5)", "the lowest value comes first"),
        ("--trials many", "a whole number is needed"),
        ("--trials 0", "trials must be at least 1, not 0"),
        ("--parallel 0", "parallel must be at least 1, not 0"),
        ("--goal acc", "goal: 'acc' is none. Write maximize:METRIC or minimize:METRIC"),
        ("--goal max:acc", "goal: 'max:acc' is none"),
        ("--goal maximize:", "goal: 'maximize:' is none"),
        ("--sampler tpee", "There is no sampler 'tpee'. Did you mean 'tpe'? There are: tpe, random"),
        ("--pruner halving", "There is no pruner 'halving'. There are: median, hyperband"),
        ("--carry df.x", "--carry: 'df.x' is not the name of a variable"),
        ("--return a,", "--return: '' is not the name of a variable"),
        ("--gpu 1", "unrecognized arguments: --gpu (did you mean --gpus?). Usage"),
        (
            "--goals=maximize:acc",
            "unrecognized arguments: --goals=maximize:acc (did you mean --goal?). Usage",
        ),
        ("--xyz", "unrecognized arguments: --xyz. Usage"),
        ("one two", "unrecognized arguments: two"),
        ("'open", "' is missing"),
    ],
)
def test_what_cannot_be_used_is_refused(line: str, said: str) -> None:
    with pytest.raises(BadArguments) as refused:
        parse_submit(line, cell=True)
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("-p path=a b", "a b"),
        ("job -p path=my data/file.csv --gpus 1", "my data/file.csv"),
        ("-p 'path=a b'", "a b"),
        ("-p path=a b -p n=1", "a b"),
        ("--param path=it's here", "it's here"),
    ],
)
def test_words_up_to_the_next_flag_are_of_the_value(line: str, text: str) -> None:
    assert parse_submit(line, cell=True).request.params["path"] == Given(text, text)


def test_quotes_around_a_value_make_it_a_text() -> None:
    assert parse_submit("-p path='a b'", cell=True).request.params == {"path": Given("'a b'", "a b")}
    assert parse_submit("-p n='5'", cell=True).request.params == {"n": Given("'5'", "5")}


def test_blanks_after_commas_do_not_matter() -> None:
    found = parse_submit("-p lr=0.1, 0.01", cell=True).request.params
    assert found == {"lr": Values((Given("0.1", 0.1), Given("0.01", 0.01)))}


def test_a_notebook_has_no_executed_cells_to_take_whole() -> None:
    with pytest.raises(BadArguments, match="unrecognized arguments: --whole"):
        parse_submit("a.ipynb --whole", cell=False)


def test_a_notebook_is_needed() -> None:
    with pytest.raises(BadArguments, match=r"NOTEBOOK.ipynb"):
        parse_submit("--gpus 1", cell=False)


def test_words_are_parted_outside_of_quotes_and_brackets() -> None:
    assert split_line("a 'b c' -p x=[1, 2]  -p y='d e'") == ["a", "b c", "-p", "x=[1, 2]", "-p", "y='d e'"]
