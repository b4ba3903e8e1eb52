"""Which types keys and features have, and how they are written."""

from __future__ import annotations

import re
from typing import Any

from ...errors import InvalidInput

KEYS = "whole numbers, texts, booleans or dates"
SCALARS = "numbers, texts, booleans, bytes, times and decimals"
ALIASES = {"halffloat": "float16", "float": "float32", "double": "float64"}


def plain(kind: Any) -> Any:
    """The type without what only says how it lies in memory: categories are their values."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_large_list(kind) or pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return pa.list_(plain(kind.value_type))
    return kind


def key_type(kind: Any) -> Any | None:
    """What a key of this type is stored and compared as; None for what is no key."""
    import pyarrow as pa

    kind = plain(kind)
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_date(kind):
        return pa.date32()
    return kind if pa.types.is_string(kind) or pa.types.is_boolean(kind) else None


def spoken(kind: Any) -> str:
    """A key's type as people say it."""
    import pyarrow as pa

    words = {pa.int64(): "whole numbers", pa.string(): "texts", pa.bool_(): "booleans", pa.date32(): "dates"}
    return words.get(kind, str(kind))


def is_feature(kind: Any) -> bool:
    """Whether a feature may have this (plain) type."""
    import pyarrow as pa

    of = pa.types
    if of.is_list(kind):
        inner = kind.value_type
        return bool(
            of.is_integer(inner) or of.is_floating(inner) or of.is_string(inner) or of.is_boolean(inner)
        )
    return bool(
        of.is_integer(kind)
        or of.is_floating(kind)
        or of.is_boolean(kind)
        or of.is_string(kind)
        or of.is_binary(kind)
        or of.is_temporal(kind)
        or of.is_decimal(kind)
    )


def named(text: str) -> Any:
    """The type that Arrow writes as ``text``, of those that features have."""
    import pyarrow as pa

    if match := re.fullmatch(r"timestamp\[(\w+), tz=(.+)\]", text):
        return pa.timestamp(match[1], match[2])
    if match := re.fullmatch(r"list<\w+: (\w+)(?: not null)?>", text):
        return pa.list_(named(match[1]))
    if match := re.fullmatch(r"decimal(\d+)\((\d+), (-?\d+)\)", text):
        return getattr(pa, f"decimal{match[1]}")(int(match[2]), int(match[3]))
    if match := re.fullmatch(r"fixed_size_binary\[(\d+)\]", text):
        return pa.binary(int(match[1]))
    alias = text.partition("[")[0] if text.startswith("date") else ALIASES.get(text, text)
    try:
        return pa.type_for_alias(alias)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no type of a feature.") from error


def may_become(kind: Any, wanted: Any) -> bool:
    """Whether values of one type are those of another where nothing is lost: numbers, and nothing at all."""
    import pyarrow as pa

    def is_number(each: Any) -> bool:
        return bool(pa.types.is_integer(each) or pa.types.is_floating(each))

    if pa.types.is_timestamp(kind) and pa.types.is_timestamp(wanted):
        return bool(kind.tz == wanted.tz)
    return bool(pa.types.is_null(kind) or (is_number(kind) and is_number(wanted)))
