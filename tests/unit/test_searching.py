"""What makes a request one job, a grid of jobs, or a search with trials."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.entities import Distribution, Goal
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebooks.values import Given, Values, parse_parameters
from jupyter_mlops.services.submission.request import Search, search_of
from jupyter_mlops.services.submission.searching import (
    MAX_JOBS,
    as_distributions,
    as_values,
    combinations,
    search_over,
)

GOAL = "maximize:acc"


def found(*params: str, **flags: Any) -> Search | None:
    return search_over(search_of(**flags), parse_parameters(params))


def refusal(*params: str, **flags: Any) -> str:
    with pytest.raises(MlopsError) as refused:
        found(*params, **flags)
    return refused.value.message


@pytest.mark.parametrize(
    ("params", "flags"),
    [
        ((), {}),
        (("lr=1",), {}),
        (("lr=1,2",), {}),
        (("lr=1,2",), {"goal": GOAL}),
        (("lr=1,2",), {"sampler": "grid"}),
        (("lr=choice(1,2)",), {}),
    ],
)
def test_named_values_alone_are_no_search(params: tuple[str, ...], flags: dict[str, Any]) -> None:
    assert found(*params, **flags) is None


def test_what_is_left_open_of_a_search_is_filled_in() -> None:
    assert found("lr=uniform(0,1)", trials=5, goal=GOAL) == Search(
        trials=5, goal=Goal(metric="acc", direction="maximize"), sampler="tpe"
    )


@pytest.mark.parametrize(
    ("params", "flags", "trials"),
    [
        (("lr=1,2", "n=int(1,3)"), {"pruner": "median"}, 6),
        (("lr=uniform(0,1,0.25)",), {"sampler": "grid", "parallel": 1}, 5),
        (("lr=1,2,3",), {"sampler": "grid", "trials": 2}, 2),
        (("lr=1,2,3",), {"sampler": "grid", "trials": 20}, 3),
        (("n=int(1,8,3)",), {"parallel": 2}, 3),
    ],
)
def test_a_grid_with_a_pruner_or_a_limit_is_a_search_of_its_size(
    params: tuple[str, ...], flags: dict[str, Any], trials: int
) -> None:
    search = found(*params, goal=GOAL, **flags)
    assert search is not None
    assert (search.sampler, search.trials) == ("grid", trials)


@pytest.mark.parametrize(
    ("params", "flags", "said"),
    [
        (("lr=uniform(0,1)",), {}, "lr=uniform(0, 1) is searched over: say how many trials"),
        (("lr=uniform(0,1)",), {"goal": GOAL}, "say how many trials"),
        (("lr=uniform(0,1)",), {"trials": 3}, "Say what the trials are after: --goal maximize:METRIC"),
        (("lr=uniform(0,1)",), {"goal": GOAL, "parallel": 2}, "Say how many trials the search may make"),
        (("lr=uniform(0,1)",), {"goal": GOAL, "trials": 3, "sampler": "grid"}, "makes no grid: name them"),
        (("lr=1",), {"goal": GOAL, "trials": 3}, "There is nothing to search over"),
        (("lr=1",), {"goal": GOAL}, "One job has no goal, sampler or seed"),
    ],
)
def test_flags_and_parameters_that_do_not_go_together_are_refused(
    params: tuple[str, ...], flags: dict[str, Any], said: str
) -> None:
    assert said in refusal(*params, **flags)


def test_values_beside_distributions_are_choices() -> None:
    given = as_distributions(parse_parameters(["a=x,1", "b=uniform(0,1)", "c=3"]))
    assert given == {
        "a": Distribution(kind="choice", choices=[Given("x", "x"), Given("1", 1)]),
        "b": Distribution(kind="uniform", low=0, high=1),
        "c": Given("3", 3),
    }
    with pytest.raises(MlopsError, match=r"chooses among numbers, texts.*not \[1\]"):
        as_distributions(parse_parameters(["a=[1],[2]"]))


def test_choices_of_a_grid_are_values() -> None:
    given = as_values(parse_parameters(["a=choice(x, 1)", "b=2"]))
    assert given == {"a": Values((Given("x", "x"), Given("1", 1))), "b": Given("2", 2)}
    assert len(combinations(given)) == 2


def test_a_grid_of_too_many_jobs_is_refused() -> None:
    many = {"a": Values(tuple(range(MAX_JOBS))), "b": Values((1, 2))}
    with pytest.raises(MlopsError, match=f"would be {2 * MAX_JOBS} jobs; the limit is {MAX_JOBS}"):
        combinations(many)
