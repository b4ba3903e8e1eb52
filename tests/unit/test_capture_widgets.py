"""The state of widgets, followed by their messages."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from jupyter_mlops.capture.widgets import WidgetStates, references
from jupyter_mlops.entities import Output
from jupyter_mlops.services.showing.outputs_text import outputs_text, widget_text


def opened(states, model_id, *, model="IntProgressModel", buffers=(), paths=(), **state):
    module = {
        "_model_name": model,
        "_model_module": "@jupyter-widgets/controls",
        "_model_module_version": "2.0.0",
    }
    data = {"state": {**module, **state}, "buffer_paths": list(paths)}
    states.take("comm_open", {"comm_id": model_id, "target_name": "jupyter.widget", "data": data}, buffers)


def updated(states, model_id, **state):
    states.take("comm_msg", {"comm_id": model_id, "data": {"method": "update", "state": state}})


def test_updates_are_merged_into_what_was_opened():
    states = WidgetStates(10_000)
    opened(states, "bar", value=0, max=10)
    updated(states, "bar", value=7)
    assert states.state() == {
        "version_major": 2,
        "version_minor": 0,
        "state": {
            "bar": {
                "model_name": "IntProgressModel",
                "model_module": "@jupyter-widgets/controls",
                "model_module_version": "2.0.0",
                "state": {
                    "_model_name": "IntProgressModel",
                    "_model_module": "@jupyter-widgets/controls",
                    "_model_module_version": "2.0.0",
                    "value": 7,
                    "max": 10,
                },
            }
        },
    }


def test_closed_widgets_and_other_comms_leave_nothing():
    states = WidgetStates(10_000)
    opened(states, "bar", value=0)
    states.take("comm_close", {"comm_id": "bar"})
    states.take("comm_open", {"comm_id": "x", "target_name": "another.thing", "data": {"state": {"a": 1}}})
    states.take("comm_msg", {"comm_id": "x", "data": {"method": "update", "state": {"a": 2}}})
    assert states.state() is None


def test_binary_values_are_kept_as_a_notebook_keeps_them():
    states = WidgetStates(10_000)
    opened(states, "picture", model="ImageModel", buffers=[b"\x89PNG"], paths=[["value"]], value=None)
    entry = states.state()["state"]["picture"]
    assert entry["buffers"] == [{"encoding": "base64", "path": ["value"], "data": "iVBORw=="}]
    assert entry["state"]["value"] is None


def test_a_password_is_never_kept():
    states = WidgetStates(10_000)
    opened(states, "p", model="PasswordModel", value="hunter2hunter2")
    updated(states, "p", value="correct horse battery")
    assert states.state()["state"]["p"]["state"]["value"] == ""


def test_state_stays_within_its_limit():
    states = WidgetStates(2_000)
    opened(states, "a", value="x" * 1_000)
    opened(states, "b", value="y" * 5_000)
    for length in range(100):
        updated(states, "a", value="z" * length * 10)
    kept = states.state()["state"]
    assert kept["a"]["state"]["value"] == "z" * 990
    assert "value" not in kept["b"]["state"]


def test_widgets_of_earlier_cells_are_asked_for_their_state_and_those_that_they_are_made_of(monkeypatch):
    def widget(**state):
        entry = {"model_name": "M", "model_module": "m", "model_module_version": "1", "state": state}
        return SimpleNamespace(_get_embed_state=lambda drop_defaults: entry)

    known = {"box": widget(children=["IPY_MODEL_slider"]), "slider": widget(value=3), "other": widget()}
    monkeypatch.setitem(sys.modules, "ipywidgets.widgets.widget", SimpleNamespace(_instances=known))
    states = WidgetStates(10_000)
    states.add_shown(["box"])
    assert sorted(states.state()["state"]) == ["box", "slider"]


def test_references_are_found_wherever_they_are():
    assert references({"a": ["IPY_MODEL_1", {"b": "IPY_MODEL_2"}], "c": "none"}) == ["1", "2"]


@pytest.fixture
def tqdm():
    """The widgets of a progress bar of tqdm.notebook."""
    states = WidgetStates(10_000)
    opened(states, "left", model="HTMLModel", value="epochs&nbsp;70%")
    opened(states, "bar", model="FloatProgressModel", value=7.0, max=10.0)
    opened(states, "right", model="HTMLModel", value=" 7/10 [<b>00:01</b>]")
    children = ["IPY_MODEL_left", "IPY_MODEL_bar", "IPY_MODEL_right"]
    opened(states, "box", model="HBoxModel", children=children)
    return states.state()


def test_a_progress_bar_is_drawn_in_text(tqdm):
    assert widget_text("box", tqdm) == "epochs\xa070% ██████████████░░░░░░ 7/10 [00:01]"


def test_outputs_with_widgets_are_shown_by_them(tqdm):
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "box"}, "text/plain": "HBox(...)"}
    outputs = [
        Output(position=0, kind="stream", name="stdout", data={"text/plain": "begin"}, time=0.0),
        Output(position=1, kind="display_data", data=view, time=0.0),
        Output(
            position=2, kind="display_data", data={"image/png": "iVBO", "text/plain": "<Figure>"}, time=0.0
        ),
    ]
    assert outputs_text(outputs, tqdm).splitlines() == [
        "begin",
        "epochs\xa070% ██████████████░░░░░░ 7/10 [00:01]",
        "[image/png] <Figure>",
    ]
