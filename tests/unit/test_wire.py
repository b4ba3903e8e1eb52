"""Entities survive JSON, numbers that JSON has no word for included."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops import wire
from jupyter_mlops.entities import JobSpec, MetricSummary, Process, Resources, Started
from jupyter_mlops.errors import InvalidInput


@given(st.floats())
def test_every_float_survives(value: float) -> None:
    summary = MetricSummary(last=value, min=value, max=value, count=1)
    back = wire.decode(wire.encode(summary), MetricSummary)
    assert back.last == value or (math.isnan(back.last) and math.isnan(value))


def test_what_is_written_is_standard_json() -> None:
    summary = MetricSummary(last=math.nan, min=-math.inf, max=math.inf, count=3)
    assert json.loads(wire.encode(summary), parse_constant=pytest.fail) == {
        "last": "NaN",
        "min": "-Infinity",
        "max": "Infinity",
        "count": 3,
        "last_step": None,
    }


def test_nested_entities_survive() -> None:
    process = Process(host="h", boot_id="b", pid_namespace=1, pid=2, start_ticks=3)
    started = Started(process=process, run_id="r", started_at=1.5, gpus=["GPU-1"])
    assert wire.decode(wire.encode(started), Started) == started


def test_fields_of_a_later_version_are_ignored() -> None:
    assert wire.decode('{"gpus": 2, "nodes": 7}', Resources) == Resources(gpus=2)


def test_text_that_looks_like_a_number_stays_text_in_params() -> None:
    spec = JobSpec(
        id="i",
        name="n",
        experiment="e",
        submitted_at=0,
        interpreter="p",
        kernel_name="k",
        cwd="/",
        params={"x": "12"},
    )
    assert wire.decode(wire.encode(spec), JobSpec).params == {"x": "12"}


@pytest.mark.parametrize("text", ["caf\udce9", "\udcff", "é", "\U0001f600"])
def test_what_is_not_utf8_on_disk_or_in_the_environment_survives(text: str) -> None:
    assert wire.decode(wire.encode({text: text}), dict[str, str]) == {text: text}


@pytest.mark.parametrize("data", ['{"gpus": "many"}', "[1]", "{", "", b'{"gpus": "\xff"}', '{"gpus": NaN}'])
def test_what_does_not_fit_is_refused(data: str | bytes) -> None:
    with pytest.raises(InvalidInput, match="Resources"):
        wire.decode(data, Resources)


@pytest.mark.parametrize("text", ["nan", "inf", "x"])
def test_only_the_three_names_are_numbers(text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        wire.number_from_json(text)
