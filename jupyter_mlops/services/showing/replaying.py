"""A run's outputs shown again, and on as they come: in a notebook as they were, in a terminal as text."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TextIO

from ...capture.widgets import VIEW, references
from ...entities import Output, RunDetail, RunStatus, new_id
from .outputs_text import outputs_text

POLL_S = 0.5


class Screen(Protocol):
    """Where outputs are shown."""

    def show(self, outputs: Sequence[Output], widgets: Mapping[str, Any] | None) -> None:
        """Show these below what is there."""
        ...

    def redraw(
        self, before: Sequence[Output], outputs: Sequence[Output], widgets: Mapping[str, Any] | None
    ) -> None:
        """Show ``outputs`` in place of ``before``, which is there."""
        ...

    def update(self, widgets: Mapping[str, Any] | None) -> None:
        """The widgets that are there have this state now."""
        ...


def replay(
    load: Callable[[], RunDetail],
    screen: Screen,
    *,
    follow: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Show what there is; with ``follow``, go on until the run has ended."""
    detail = load()
    shown = detail.outputs
    screen.show(shown, detail.widgets)
    while follow and detail.run.status is RunStatus.RUNNING:
        sleep(POLL_S)
        detail = load()
        more = continuation(shown, detail.outputs)
        if more is None:
            screen.redraw(shown, detail.outputs, detail.widgets)
        else:
            screen.show(more, detail.widgets)
            screen.update(detail.widgets)
        shown = detail.outputs


def continuation(before: Sequence[Output], after: Sequence[Output]) -> list[Output] | None:
    """What came to ``before``; None where ``after`` does not just go on."""
    if not before:
        return list(after)
    same = len(before) - 1
    if len(after) <= same or any(
        _content(a) != _content(b) for a, b in zip(before[:same], after, strict=False)
    ):
        return None
    old, new = before[-1], after[same]
    if _content(old) == _content(new):
        return list(after[len(before) :])
    if old.kind != "stream" or (new.kind, new.name) != (old.kind, old.name):
        return None
    old_text, new_text = str(old.data.get("text/plain", "")), str(new.data.get("text/plain", ""))
    if not new_text.startswith(old_text):
        return None
    return [replace(new, data={"text/plain": new_text[len(old_text) :]}), *after[len(before) :]]


def _content(output: Output) -> tuple[str, str | None, dict[str, Any]]:
    return output.kind, output.name, output.data


def notebook_outputs(path: Path) -> list[Output]:
    """The outputs of all cells of an executed notebook (nbformat 4)."""
    cells = json.loads(path.read_text(encoding="utf-8")).get("cells", ())
    found = [each for cell in cells for each in cell.get("outputs", ())]
    return [_of_notebook(position, each) for position, each in enumerate(found)]


def _of_notebook(position: int, output: Mapping[str, Any]) -> Output:
    kind, name = str(output.get("output_type")), output.get("name")
    data = {mime: _joined(value) for mime, value in (output.get("data") or {}).items()}
    if kind == "stream":
        data = {"text/plain": _joined(output.get("text"))}
    elif kind == "error":
        name, data = output.get("ename"), {"text/plain": "\n".join(output.get("traceback") or ())}
    metadata = dict(output.get("metadata") or {})
    return Output(position=position, kind=kind, data=data, time=0.0, name=name, metadata=metadata)


def _joined(value: Any) -> Any:
    """Texts of a notebook file may be lists of lines."""
    is_lines = isinstance(value, list) and all(isinstance(line, str) for line in value)
    return "".join(value) if is_lines else value


class TerminalScreen:
    """Outputs as text; what changes in place is printed again: a terminal's lines cannot be taken back."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._colours = bool(getattr(self._stream, "isatty", bool)())

    def show(self, outputs: Sequence[Output], widgets: Mapping[str, Any] | None) -> None:
        self._stream.write(outputs_text(outputs, widgets, colours=self._colours))
        self._stream.flush()

    def redraw(
        self, before: Sequence[Output], outputs: Sequence[Output], widgets: Mapping[str, Any] | None
    ) -> None:
        same = 0
        while same < min(len(before), len(outputs)) and _content(before[same]) == _content(outputs[same]):
            same += 1
        rest = list(outputs[same:])
        if rest and same < len(before) and rest[0].kind == before[same].kind == "stream":
            rest[0] = _from_first_change(before[same], rest[0])
        self.show(rest, widgets)

    def update(self, widgets: Mapping[str, Any] | None) -> None:
        """A bar that moves is seen when the run's next output comes."""


def _from_first_change(before: Output, after: Output) -> Output:
    """Of a text that changed in place (a progress bar), its lines from the first that differs."""
    old, new = (str(each.data.get("text/plain", "")).split("\n") for each in (before, after))
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    start = "\r" if same == len(old) - 1 else "\n"
    return replace(after, data={"text/plain": start + "\n".join(new[same:])})


class NotebookScreen:
    """Outputs as they were displayed: figures, tables, widgets with their last state."""

    def __init__(self, shell: Any) -> None:
        self._publisher = shell.display_pub
        self._models = _Models()

    def show(self, outputs: Sequence[Output], widgets: Mapping[str, Any] | None) -> None:
        for output in outputs:
            text = str(output.data.get("text/plain", ""))
            if output.kind == "stream":
                stream = sys.stderr if output.name == "stderr" else sys.stdout
                stream.write(text)
            elif output.kind == "error":
                sys.stderr.write(text + "\n")
            else:
                _flush()
                self._publisher.publish(self._with_view(output.data, widgets), dict(output.metadata))
        _flush()

    def redraw(
        self, before: Sequence[Output], outputs: Sequence[Output], widgets: Mapping[str, Any] | None
    ) -> None:
        self._publisher.clear_output(wait=True)
        self.show(outputs, widgets)
        self.update(widgets)

    def update(self, widgets: Mapping[str, Any] | None) -> None:
        self._models.update((widgets or {}).get("state") or {})

    def _with_view(self, data: Mapping[str, Any], widgets: Mapping[str, Any] | None) -> dict[str, Any]:
        """The view of a widget needs its model: one with the recorded state is opened for it."""
        view = data.get(VIEW)
        states = (widgets or {}).get("state") or {}
        if not isinstance(view, Mapping) or view.get("model_id") not in states:
            return {mime: value for mime, value in data.items() if mime != VIEW}
        model_id = self._models.open(str(view["model_id"]), states)
        if model_id is None:
            return {mime: value for mime, value in data.items() if mime != VIEW}
        return {**data, VIEW: {**view, "model_id": model_id}}


class _Models:
    """Widgets of a run as new models of this kernel; nothing but their state is behind them."""

    def __init__(self) -> None:
        self._comms: dict[str, Any] = {}
        self._known: dict[str, dict[str, Any]] = {}

    def open(self, model_id: str, states: Mapping[str, Any]) -> str | None:
        """The id of the new model, made after those that it refers to; None where there are no comms."""
        create = getattr(sys.modules.get("comm"), "create_comm", None)
        if create is None:
            return None
        if model_id not in self._comms:
            state = dict(states[model_id].get("state") or {})
            self._comms[model_id] = None  # a model that refers to itself
            for other in references(state):
                if other in states and other not in self._comms:
                    self.open(other, states)
            self._known[model_id] = state
            paths, buffers = _buffers(states[model_id])
            self._comms[model_id] = create(
                target_name="jupyter.widget",
                comm_id=new_id(time.time()),
                data={"state": self._renamed(state), "buffer_paths": paths},
                metadata={"version": "2.1.0"},
                buffers=buffers,
            )
        comm = self._comms[model_id]
        return None if comm is None else str(comm.comm_id)

    def update(self, states: Mapping[str, Any]) -> None:
        for model_id, known in self._known.items():
            now = dict((states.get(model_id) or {}).get("state") or {})
            changed = {key: value for key, value in now.items() if known.get(key) != value}
            if changed and (comm := self._comms[model_id]) is not None:
                for other in references(changed):
                    if other in states:
                        self.open(other, states)
                message = {"method": "update", "state": self._renamed(changed), "buffer_paths": []}
                comm.send(message)
                known.update(changed)

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("IPY_MODEL_"):
            comm = self._comms.get(value[len("IPY_MODEL_") :])
            return value if comm is None else f"IPY_MODEL_{comm.comm_id}"
        if isinstance(value, dict):
            return {key: self._renamed(item) for key, item in value.items()}
        return [self._renamed(item) for item in value] if isinstance(value, list) else value


def _buffers(entry: Mapping[str, Any]) -> tuple[list[Any], list[bytes]]:
    found = entry.get("buffers") or ()
    return [each["path"] for each in found], [base64.b64decode(each["data"]) for each in found]


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def screen() -> Screen:
    """The notebook whose kernel this is, else the terminal. IPython is used only where it runs already."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython is not None else None
    return TerminalScreen() if getattr(shell, "kernel", None) is None else NotebookScreen(shell)
