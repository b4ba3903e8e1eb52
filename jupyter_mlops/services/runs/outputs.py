"""What a run displayed, put together from the messages as a front end does (nbformat's outputs)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ...entities import Output
from ...errors import MlopsError
from ...protocols.runs import RecordedOutput

CUT = "output was cut here: it reached the limit for one run"


@dataclass(slots=True)
class _Shown:
    kind: str
    time: float
    name: str | None
    data: dict[str, Any]
    metadata: dict[str, Any]
    display_id: str | None = None
    texts: list[str] = field(default_factory=list)


def assemble(messages: Iterable[RecordedOutput], load: Callable[[str], bytes]) -> list[Output]:
    """The outputs that are left to see; ``load`` gives the content of a blob by its digest.

    Texts of one stream that follow each other are one output. A ``clear_output`` empties the list, with
    ``wait`` only when the next output comes. ``update_display_data`` changes what is shown under its
    ``display_id``, wherever that is.
    """
    shown: list[_Shown] = []
    clear = False
    for recorded in messages:
        message = recorded.message
        kind = message["message"]
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


def _show(shown: list[_Shown], recorded: RecordedOutput, load: Callable[[str], bytes]) -> None:
    message = recorded.message
    if message.get("cut"):
        shown.append(_Shown("stream", recorded.time, "stderr", {}, {"cut": True}, texts=[f"\n[{CUT}]\n"]))
        return
    data = _data(message, load)
    name = message.get("name")
    if message["message"] == "stream":
        text = str(data.get("text/plain", ""))
        last = shown[-1] if shown else None
        if last is not None and last.kind == "stream" and last.name == name and not last.metadata:
            last.texts.append(text)
        else:
            shown.append(_Shown("stream", recorded.time, name, {}, {}, texts=[text]))
        return
    metadata = dict(message.get("metadata") or {})
    shown.append(
        _Shown(message["message"], recorded.time, name, data, metadata, display_id=message.get("display_id"))
    )


def _update(shown: list[_Shown], message: Mapping[str, Any], load: Callable[[str], bytes]) -> None:
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


def _data(message: Mapping[str, Any], load: Callable[[str], bytes]) -> dict[str, Any]:
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
