"""What a search refuses before anything is queued, and a grid's points."""

from __future__ import annotations

import math

import pytest

from jupyter_mlops.entities import Distribution, Goal, History
from jupyter_mlops.errors import InvalidInput, MissingPackage
from jupyter_mlops.services.sweeps import space
from jupyter_mlops.services.sweeps.intermediate import is_reported, reported_steps
from jupyter_mlops.testing.sweeps import sweep_spec


def of(**values) -> dict[str, Distribution]:
    return {"lr": Distribution(**values)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"goal": None}, "--goal maximize:val_acc"),
        ({"goal": Goal(metric="", direction="maximize")}, "needs a goal"),
        ({"goal": Goal(metric="acc", direction="max")}, "No goal 'max'. There are: maximize, minimize"),
        ({"sampler": "bayes"}, "No sampler 'bayes'. There are: tpe, random, cmaes, grid"),
        ({"pruner": "mean"}, "No pruner 'mean'. There are: median, hyperband"),
        ({"trials": 0}, "trials must be 1 to 10000, not 0"),
        ({"parallel": 0}, "parallel must be at least 1, not 0"),
        ({"seed": -1}, "seed must be 0 to 4294967295, not -1"),
        ({"space": {}}, "needs a parameter to search over"),
        ({"space": of(kind="normal", low=0, high=1)}, "No distribution for lr 'normal'"),
        ({"space": of(kind="uniform", low=2, high=1)}, r"lr: uniform\(2,1\) begins above its end"),
        ({"space": of(kind="uniform", low=0, high=math.inf)}, "lr: uniform needs two finite ends"),
        ({"space": of(kind="loguniform", low=0, high=1)}, "lr: loguniform needs ends above 0, not 0"),
        ({"space": of(kind="int", low=0.5, high=2)}, "lr: int goes from whole number to whole number"),
        ({"space": of(kind="loguniform", low=1, high=2, step=0.5)}, "only int and uniform have one"),
        ({"space": of(kind="int", low=1, high=2, step=0.5)}, "whole number"),
        ({"space": of(kind="uniform", low=1, high=2, step=-1.0)}, "a step must be above 0"),
        ({"space": of(kind="choice")}, r"lr: choice\(\) needs something to choose from"),
        ({"space": of(kind="choice", choices=[1, 2, 1])}, "lr: a choice is named twice"),
        ({"space": of(kind="choice", choices=[[1]])}, r"lr: a choice is a text.*not \[1\]"),
        ({"space": of(kind="choice", choices=[math.nan])}, "a finite number"),
        ({"sampler": "grid"}, "lr: loguniform has no points to make a grid of. Name the values"),
        ({"sampler": "cmaes"}, "cmaes needs at least two parameters that are numbers"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_the_way_out(changes, message):
    with pytest.raises(InvalidInput, match=message):
        space.checked(sweep_spec(**changes))


def test_true_and_one_are_two_choices():
    assert space.checked(sweep_spec(space=of(kind="choice", choices=[1, True, 1.0, "1", None])))


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(space, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"pip install 'jupyter-mlops\[cmaes\]'"):
        space.checked(sweep_spec(sampler="cmaes"))


def test_a_grid_has_the_points_of_all_parameters_the_last_varying_fastest():
    grid = {
        "a": Distribution(kind="choice", choices=["x", "y"]),
        "b": Distribution(kind="uniform", low=0.0, high=0.3, step=0.1),
        "c": Distribution(kind="int", low=1, high=5, step=2),
    }
    points = [space.point_of_grid(grid, number) for number in range(space.size_of_grid(grid))]
    assert len(points) == 2 * 4 * 3
    assert points[0] == {"a": "x", "b": 0.0, "c": 1}
    assert points[1] == {"a": "x", "b": 0.0, "c": 3}
    assert points[-1] == {"a": "y", "b": pytest.approx(0.3), "c": 5}
    assert len({tuple(point.items()) for point in points}) == len(points)


def test_a_grid_makes_no_more_trials_than_it_has_points():
    spec = sweep_spec(sampler="grid", trials=50, space=of(kind="int", low=1, high=3))
    assert space.checked(spec).trials == 3


def history(*points: tuple[int | None, float]) -> History:
    return History(
        run_id="r",
        name="acc",
        steps=[step for step, _ in points],
        times=[0.0] * len(points),
        values=[value for _, value in points],
    )


def test_points_without_a_step_are_numbered_and_a_steps_last_value_counts():
    assert reported_steps(history((None, 0.1), (None, 0.2)), after=-1) == {0: 0.1, 1: 0.2}
    assert reported_steps(history((0, 0.1), (5, 0.2), (5, 0.3), (-1, 9.0)), after=-1) == {0: 0.1, 5: 0.3}
    assert reported_steps(history((0, 0.1), (1, 0.2)), after=0) == {1: 0.2}


def test_of_many_steps_some_are_reported_and_always_the_same():
    reported = [step for step in range(1 << 20) if is_reported(step)]
    assert reported[:128] == list(range(128))
    assert len(reported) == 128 + 13 * 64
    assert all(step in reported for step in (1 << 10, 1 << 15, 1 << 19))
