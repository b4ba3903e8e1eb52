"""What a run displayed, put together from the messages as a front end does (nbformat's outputs)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from ...capture.output_ending import in_order, message_of
from ...capture.widgets import STATE
from ...entities import Output
from ...errors import MlopsError
from ...journal.records import Displayed
from ...protocols.runs import RecordedOutput
from ..quantities import size_text

Load = Callable[[str], bytes]
"""Gives the content of a blob by its digest."""


@dataclass(slots=True)
class _Shown:
    kind: str
    time: float
    name: str | None
    data: dict[str, Any]
    metadata: dict[str, Any]
    display_id: str | None = None
    texts: list[str] = field(default_factory=list)


def assemble(messages: Iterable[RecordedOutput], load: Load) -> list[Output]:
    """The outputs that are left to see.

    Texts of one stream that follow each other are one output. A ``clear_output`` empties the list, with
    ``wait`` only when the next output comes. ``update_display_data`` changes what is shown under its
    ``display_id``, wherever that is.
    """
    shown: list[_Shown] = []
    clear = False
    for recorded in messages:
        message = recorded.message
        kind = message["message"]
        if kind == "widget_state":
            continue
        if kind == "clear_output":
            clear = bool(message.get("wait"))
            if not clear:
                shown.clear()
            continue
        if kind == "update_display_data":
            _update(shown, message, load)
            continue
        if clear:
            shown.clear()
            clear = False
        _show(shown, recorded, load)
    return [_output(position, each) for position, each in enumerate(shown)]


def widget_state(messages: Iterable[RecordedOutput], load: Load) -> dict[str, Any] | None:
    """The last state of all widgets of a run, as a notebook's metadata have it."""
    states: dict[str, Any] = {}
    for recorded in messages:
        if recorded.message["message"] == "widget_state":
            found = _data(recorded.message, load).get(STATE)
            if isinstance(found, dict) and isinstance(found.get("state"), dict):
                states.update(found["state"])
    return {"version_major": 2, "version_minor": 0, "state": states} if states else None


def with_waiting(messages: Iterable[RecordedOutput], folder: Path) -> list[RecordedOutput]:
    """The messages of a run, and those that wait in ``folder`` for the end of a cell that goes on."""
    known = list(messages)
    if not folder.is_dir():
        return known
    more = waiting(folder, [each.message.get("at") for each in known])
    return known + [RecordedOutput(0, float(each.get("at") or 0.0), each) for each in more]


def waiting(folder: Path, written: Iterable[Any]) -> list[dict[str, Any]]:
    """The messages in the files of a recorder (capture.outputs), marks first.

    Times in ``written`` are in the journal by now: that recorder is just tidying up, or was killed so.
    """
    known = {at for at in written if at}
    found: list[dict[str, Any]] = []
    paths = sorted(path for path in _names(folder) if path.suffix in (".json", ".jsonl"))
    for _, group in groupby(paths, key=lambda path: path.name.split(".")[0]):
        messages = [msgspec.to_builtins(each) for each in _of_one_recorder(list(group))]
        if not any(message.get("at") in known for message in messages):
            found += messages
    return found


def _names(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _of_one_recorder(paths: list[Path]) -> list[Displayed]:
    tails: dict[str, list[bytes]] = {"texts": [], "displays": [], "widgets": []}
    for path in paths:
        kind = path.name.split(".")[1]
        if kind in tails:
            tails[kind] += _lines(path)
    marks = [_last_mark(tails[kind]) for kind in ("displays", "texts")]
    widgets = [message for line in tails["widgets"] if (message := message_of(line)) is not None]
    messages = in_order(iter(tails["texts"]), iter(tails["displays"]))
    return [*_merged(mark for each in marks for mark in each), *messages, *widgets]


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except OSError:  # its cell has ended meanwhile
        return []


def _last_mark(lines: Iterable[bytes]) -> list[Displayed]:
    """What the newest file says of all that came before."""
    marks: list[Displayed] = []
    previous_was_mark = False
    for line in lines:
        is_mark = (message := message_of(line)) is not None and not message.n
        if is_mark and not previous_was_mark:
            marks = []
        if is_mark and message is not None:
            marks.append(message)
        previous_was_mark = is_mark
    return marks


def _merged(marks: Iterable[Displayed]) -> list[Displayed]:
    """A clearing, when there was one, and then one mark for all that is missing."""
    found = list(marks)
    clear = [mark for mark in found if mark.message == "clear_output"][:1]
    cuts = [mark for mark in found if mark.cut]
    if cuts:
        most = max(cuts, key=lambda mark: (mark.dropped_bytes, mark.dropped))
        clear.append(msgspec.structs.replace(most, dropped=max(mark.dropped for mark in cuts)))
    return clear


def _show(shown: list[_Shown], recorded: RecordedOutput, load: Load) -> None:
    message = recorded.message
    time = float(message.get("at") or recorded.time)
    if message.get("cut"):
        shown.append(_mark(message, time))
        return
    data = _data(message, load)
    name = message.get("name")
    if message["message"] == "stream":
        text = str(data.get("text/plain", ""))
        last = shown[-1] if shown else None
        if last is not None and last.kind == "stream" and last.name == name and not last.metadata:
            last.texts.append(text)
        else:
            shown.append(_Shown("stream", time, name, {}, {}, texts=[text]))
        return
    metadata = dict(message.get("metadata") or {})
    shown.append(_Shown(message["message"], time, name, data, metadata, display_id=message.get("display_id")))


def _mark(message: Mapping[str, Any], time: float) -> _Shown:
    size, count = int(message.get("dropped_bytes") or 0), int(message.get("dropped") or 0)
    what = [f"{size_text(size)} of text"] * bool(size) + [f"{count} displays"] * bool(count)
    text = f"\n[{' and '.join(what) or 'output'} left out here: more than is kept of one run]\n"
    metadata = {"cut": True, "dropped_bytes": size, "dropped": count}
    return _Shown("stream", time, "stderr", {}, metadata, texts=[text])


def _update(shown: list[_Shown], message: Mapping[str, Any], load: Load) -> None:
    display_id = message.get("display_id")
    same = [each for each in shown if display_id and each.display_id == display_id]
    if same:
        data, metadata = _data(message, load), dict(message.get("metadata") or {})
        for each in same:
            each.data, each.metadata = data, metadata


def _output(position: int, each: _Shown) -> Output:
    data = {"text/plain": _with_returns("".join(each.texts))} if each.kind == "stream" else each.data
    return Output(
        position=position, kind=each.kind, data=data, time=each.time, name=each.name, metadata=each.metadata
    )


def _with_returns(text: str) -> str:
    """Text after a carriage return replaces that of its line, as on a terminal (progress bars)."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(_last_written(line) for line in lines)


def _last_written(line: str) -> str:
    written = ""
    for part in line.split("\r"):
        written = part + written[len(part) :]
    return written


def _data(message: Mapping[str, Any], load: Load) -> dict[str, Any]:
    data: MutableMapping[str, Any] = dict(message.get("data") or {})
    for mime, digest in (message.get("blobs") or {}).items():
        try:
            data[mime] = _value(mime, load(digest))
        except (MlopsError, OSError) as error:
            data.setdefault("text/plain", f"[{mime} of this output cannot be read: {error}]")
    return dict(data)


def _value(mime: str, content: bytes) -> Any:
    """A value as nbformat has it: JSON for JSON types, text for all others (pictures in base64)."""
    if mime == "application/json" or mime.endswith("+json"):
        try:
            return msgspec.json.decode(content)
        except msgspec.DecodeError:
            pass
    try:
        return content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return base64.b64encode(content).decode("ascii")
