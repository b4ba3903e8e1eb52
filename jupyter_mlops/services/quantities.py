"""Amounts as people type them: ``8G`` of memory, ``2h`` of time."""

from __future__ import annotations

import re

from ..errors import InvalidInput

_MEMORY = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def memory_bytes(amount: str | int | None) -> int | None:
    """Bytes of ``"512M"``, ``"8G"``, ``"1.5GiB"`` (units of 1024) or a number of bytes.

    Raises InvalidInput for anything else, and for less than one byte.
    """
    if amount is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", str(amount).strip().lower())
    if match is None or not (size := int(float(match[1]) * _MEMORY[match[2]])):
        raise InvalidInput(f"Not an amount of memory: {amount!r}. Write it like 512M or 8G.")
    return size


def seconds(duration: str | float | None) -> float | None:
    """Seconds of ``"90s"``, ``"30m"``, ``"2h"``, ``"1d"``, ``"1h30m"``, ``"1:30:00"`` or a number of seconds.

    Raises InvalidInput for anything else, and for zero.
    """
    if duration is None:
        return None
    text = str(duration).strip().lower()
    if re.fullmatch(r"\d+(:[0-5]?\d){1,2}", text):
        total = 0.0
        for part in text.split(":"):
            total = total * 60 + int(part)
        total *= 60 if text.count(":") == 1 else 1
    elif re.fullmatch(r"\d+(\.\d+)?|(\d+(\.\d+)?\s*[smhd]\s*)+", text):
        total = sum(float(n) * _SECONDS[unit] for n, unit in re.findall(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text))
    else:
        total = 0.0
    if total <= 0:
        raise InvalidInput(f"Not a duration: {duration!r}. Write it like 90s, 30m, 2h, 7d, 1h30m or 1:30:00.")
    return total


def spoken(duration_s: float) -> str:
    """Seconds as people say a limit: ``45 s``, ``1 min 30 s``, ``2 h``."""
    if duration_s < 59.95:
        return f"{duration_s:.3g} s"
    minutes, rest = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (0 if hours else rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def age_text(age_s: float | None) -> str:
    """A time to live as people say it: ``30 d``, ``1 h 30 min``; empty for None."""
    if age_s is None:
        return ""
    days, rest = divmod(age_s, _SECONDS["d"])
    return spoken(age_s) if rest else f"{days:g} d"


def duration_text(duration_s: float | None) -> str:
    """How long something took: ``40 ms``, ``0.4 s``, ``3 min 05 s``, ``2 h 10 min``; empty for None."""
    if duration_s is None:
        return ""
    duration_s = max(duration_s, 0.0)
    if duration_s < 0.0995:
        return f"{1000 * duration_s:.0f} ms"
    if duration_s < 9.95:
        return f"{duration_s:.1f} s"
    minutes, rest = divmod(round(duration_s), 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def size_text(size_bytes: float) -> str:
    """Bytes in binary units: ``512 B``, ``1.5 MiB``."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def counted(count: int, word: str, plural: str = "") -> str:
    """``1 run``, ``2 runs``."""
    return f"{count} {word if count == 1 else plural or word + 's'}"
