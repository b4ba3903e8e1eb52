"""What may stand on the %%submit line."""

from __future__ import annotations

import pytest

from jupyter_mlops.entities import Resources
from jupyter_mlops.magics.options import BadArguments
from jupyter_mlops.magics.submit_options import SubmitOptions, parse_submit, split_line
from jupyter_mlops.notebooks.values import Given, Values
from jupyter_mlops.services.submission.request import Request


def test_all_flags_are_understood() -> None:
    line = (
        "'my job' --on local --gpus 2 --cpus 4 --memory 8G --time 1h30m --priority -1 --retries 2 --after abc123 "
        "--after def456 -p lr=0.1,0.01 -p name='a,b' -p layers=[64, 32] --whole --dry-run --wait"
    )
    assert parse_submit(line, cell=True) == SubmitOptions(
        subject="my job",
        request=Request(
            name="my job",
            params={
                "lr": Values((Given("0.1", 0.1), Given("0.01", 0.01))),
                "name": Given("'a,b'", "a,b"),
                "layers": Given("[64, 32]", [64, 32]),
            },
            resources=Resources(gpus=2, cpus=4, memory_bytes=8 * 1024**3, time_limit_s=5400),
            priority=-1,
            retries=2,
            after=("abc123", "def456"),
        ),
        dry_run=True,
        wait=True,
    )


def test_without_flags_the_defaults_hold() -> None:
    assert parse_submit("", cell=True) == SubmitOptions()


def test_the_line_magic_takes_a_notebook() -> None:
    found = parse_submit("'my notebook.ipynb' --name other", cell=False)
    assert (found.subject, found.request.name) == ("my notebook.ipynb", "other")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--gpus two", "a whole number is needed, not 'two'"),
        ("--gpus -1", "a whole number is needed"),
        ("--memory lots", "Not an amount of memory: 'lots'"),
        ("--time soon", "Not a duration: 'soon'"),
        ("-p lr", "write -p NAME=VALUE"),
        ("-p lr=1 -p lr=2", "given twice"),
        ("-p lr=loguniform(1e-5, 1)", "later version"),
        ("--trials 10", "random search arrives in a later version"),
        ("--goal=maximize:acc", "random search arrives in a later version"),
        ("--carry df", "later version"),
        ("--gpu 1", "unrecognized arguments: --gpu"),
        ("one two", "unrecognized arguments: two"),
        ("'open", "' is missing"),
    ],
)
def test_what_cannot_be_used_is_refused(line: str, said: str) -> None:
    with pytest.raises(BadArguments) as refused:
        parse_submit(line, cell=True)
    assert said in refused.value.message


def test_a_notebook_is_needed() -> None:
    with pytest.raises(BadArguments, match=r"NOTEBOOK.ipynb"):
        parse_submit("--gpus 1", cell=False)


def test_words_are_parted_outside_of_quotes_and_brackets() -> None:
    assert split_line("a 'b c' -p x=[1, 2]  -p y='d e'") == ["a", "b c", "-p", "x=[1, 2]", "-p", "y='d e'"]
