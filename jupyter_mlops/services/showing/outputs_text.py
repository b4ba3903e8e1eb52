"""A run's outputs as text for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Any

from ...capture.ansi import harmless
from ...capture.widgets import VIEW
from ...entities import Output

BAR_WIDTH = 20


def outputs_text(
    outputs: Iterable[Output], widgets: Mapping[str, Any] | None = None, *, colours: bool = False
) -> str:
    """All of them, one after the other; ``colours`` keeps those that programs gave their texts."""
    parts: list[str] = []
    for output in outputs:
        text = output_text(output, widgets, colours=colours)
        if text and output.kind != "stream":
            text = ("\n" if parts and not parts[-1].endswith("\n") else "") + text.rstrip("\n") + "\n"
        parts.append(text)
    return "".join(parts)


def output_text(output: Output, widgets: Mapping[str, Any] | None = None, *, colours: bool = False) -> str:
    """One output; a picture is named by its type and size."""
    view = output.data.get(VIEW)
    if isinstance(view, Mapping) and widgets is not None:
        text = widget_text(str(view.get("model_id")), widgets)
        if text:
            return text
    text = _as_text(output.data.get("text/plain"))
    pictures = [mime for mime in output.data if mime.startswith("image/")]
    if pictures and (not text or text.startswith("<")):
        text = f"[{pictures[0]}] {text}".rstrip()
    if not text and output.data:
        text = f"[{', '.join(sorted(output.data))}]"
    return harmless(text, colours=colours)


def widget_text(model_id: str, widgets: Mapping[str, Any]) -> str:
    """What a widget shows: the bar of a progress, a slider's value, a box's children in a line."""
    models = widgets.get("state") or {}
    return _widget(model_id, models, depth=0)


def _widget(model_id: str, models: Mapping[str, Any], depth: int) -> str:
    entry = models.get(model_id)
    if not isinstance(entry, Mapping) or depth > 20:
        return ""
    state, name = entry.get("state") or {}, str(entry.get("model_name"))
    children = [str(each).removeprefix("IPY_MODEL_") for each in state.get("children") or ()]
    if children:
        texts = [text for child in children if (text := _widget(child, models, depth + 1))]
        return (" " if name == "HBoxModel" else "\n").join(texts)
    value = state.get("value")
    if value is None:
        return ""
    if name.endswith("ProgressModel"):
        text = _bar(state)
    elif name == "HTMLModel":
        text = unescape(re.sub(r"<[^>]*>", "", str(value)))
    else:
        text = str(value)
    description = str(state.get("description") or "")
    return harmless(f"{description}: {text}" if description else text, colours=False).strip()


def _bar(state: Mapping[str, Any]) -> str:
    try:
        low, high = float(state.get("min") or 0.0), float(state.get("max") or 1.0)
        part = (float(state["value"]) - low) / (high - low)
    except (TypeError, ValueError, ZeroDivisionError):
        return ""
    done = round(BAR_WIDTH * min(1.0, max(0.0, part)))
    return "█" * done + "░" * (BAR_WIDTH - done)


def _as_text(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
