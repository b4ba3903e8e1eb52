"""The state of Jupyter widgets (sliders, progress bars), followed by their messages.

The messages are those of the widget protocol 2.x (jupyter-widgets/ipywidgets,
``packages/schema/messages.md``); the state is kept in the form of a notebook's metadata
(``application/vnd.jupyter.widget-state+json``).
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
_REFERENCE = "IPY_MODEL_"
_BUFFER = "\0buffer"
"""Marks a binary value within a state; JSON texts of widgets do not begin so."""


class WidgetStates:
    """The state of the widgets whose messages were taken, within ``limit_bytes``."""

    def __init__(self, limit_bytes: int) -> None:
        self.changed = False
        self._left = limit_bytes
        self._models: dict[str, dict[str, Any]] = {}
        self._sizes: dict[tuple[str, str], int] = {}

    def take(self, kind: str, content: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """``comm_open``, ``comm_msg`` or ``comm_close``; other things' than widgets' are passed over."""
        model_id, data = str(content.get("comm_id", "")), content.get("data") or {}
        if kind == "comm_open" and content.get("target_name") == "jupyter.widget":
            self._models.setdefault(model_id, {})
        elif kind == "comm_close":
            self._forget(model_id)
            return
        elif data.get("method") not in ("update", "echo_update"):
            return
        if model_id in self._models:
            state = _with_buffers(data.get("state") or {}, data.get("buffer_paths") or [], buffers)
            for key, value in state.items():
                self._set(model_id, key, value)

    def add_shown(self, model_ids: Iterable[str]) -> None:
        """What ipywidgets knows of widgets whose opening was not seen, and of those that they are made of.

        To be called in the thread that runs the user's code.
        """
        waiting = [each for each in model_ids if each not in self._models]
        instances = getattr(sys.modules.get("ipywidgets.widgets.widget"), "_instances", None) or {}
        while waiting:
            model_id = waiting.pop()
            widget = instances.get(model_id)
            if widget is None or model_id in self._models:
                continue
            self._models[model_id] = {}
            for key, value in _known_state(widget).items():
                self._set(model_id, key, value)
            waiting += references(self._models[model_id])

    def state(self) -> dict[str, Any] | None:
        """All of them, as a notebook's metadata have it; None when there are none."""
        self.changed = False
        models = {model_id: _entry(state) for model_id, state in self._models.items() if state}
        return {"version_major": 2, "version_minor": 0, "state": models} if models else None

    def _set(self, model_id: str, key: str, value: Any) -> None:
        state = self._models[model_id]
        if key == "value" and str(state.get("_model_name")) == "PasswordModel":
            value = ""
        size = len(msgspec.json.encode(value, enc_hook=str)) if type(value) is not float else 8
        growth = size - self._sizes.get((model_id, key), 0)
        if growth > self._left:
            return
        self._left -= growth
        self._sizes[model_id, key] = size
        state[key] = value
        self.changed = True

    def _forget(self, model_id: str) -> None:
        for key in self._models.pop(model_id, {}):
            self._left += self._sizes.pop((model_id, key), 0)
            self.changed = True


def references(state: Any) -> list[str]:
    """The ids of the models that a state refers to."""
    if isinstance(state, str):
        return [state[len(_REFERENCE) :]] if state.startswith(_REFERENCE) else []
    items = state.values() if isinstance(state, dict) else state if isinstance(state, (list, tuple)) else ()
    return [model_id for item in items for model_id in references(item)]


def _known_state(widget: Any) -> dict[str, Any]:
    """A widget's own state as plain JSON, with binary values put in."""
    try:
        entry = widget._get_embed_state(drop_defaults=False)
        state = json.loads(json.dumps(entry["state"], default=str))
    except Exception:  # noqa: BLE001  other people's widgets
        return {}
    buffers = [base64.b64decode(each["data"]) for each in entry.get("buffers", ())]
    paths = [each["path"] for each in entry.get("buffers", ())]
    names = {f"_{name}": entry.get(name) for name in ("model_name", "model_module", "model_module_version")}
    return {**names, **_with_buffers(state, paths, buffers)}


def _with_buffers(
    state: Mapping[str, Any], paths: Sequence[Sequence[Any]], buffers: Sequence[bytes]
) -> dict[str, Any]:
    """The state with its binary values where they belong, as ``{"\\0buffer": base64}``."""
    made: dict[str, Any] = dict(state)
    for path, buffer in zip(paths, buffers, strict=False):
        place: Any = made
        try:
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = {_BUFFER: base64.b64encode(buffer).decode("ascii")}
        except (KeyError, IndexError, TypeError):
            continue
    return made


def _entry(state: Mapping[str, Any]) -> dict[str, Any]:
    buffers: list[dict[str, Any]] = []
    plain = {key: _without_buffers(value, [key], buffers) for key, value in state.items()}
    entry = {
        "model_name": plain.get("_model_name"),
        "model_module": plain.get("_model_module"),
        "model_module_version": plain.get("_model_module_version"),
        "state": plain,
    }
    return {**entry, "buffers": buffers} if buffers else entry


def _without_buffers(value: Any, path: list[Any], buffers: list[dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        if set(value) == {_BUFFER}:
            buffers.append({"encoding": "base64", "path": path, "data": value[_BUFFER]})
            return None
        return {key: _without_buffers(item, [*path, key], buffers) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_buffers(item, [*path, index], buffers) for index, item in enumerate(value)]
    return value
