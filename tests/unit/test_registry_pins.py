"""What names stand for in a job that reproduces a run."""

from __future__ import annotations

import json

import pytest

from jupyter_mlops.config import PINS, load_settings
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.registry.names import Reference, parse_reference, pinned

PINNED = {"dataset train": 2, "model digits": 3, "model digits@champion": 1}


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("dataset", "train", Reference("train", 2)),
        ("dataset", "train@latest", Reference("train", 2)),
        ("dataset", "train@1", Reference("train", 1)),
        ("dataset", "other", Reference("other")),
        ("model", "train", Reference("train")),
        ("model", "digits", Reference("digits", 3)),
        ("model", "digits@champion", Reference("digits", 1)),
        ("model", "digits@other", Reference("digits", "other")),
    ],
)
def test_a_name_without_a_number_stands_for_the_pinned_version(
    kind: str, text: str, expected: Reference
) -> None:
    assert pinned(parse_reference(text), kind, PINNED) == expected


def test_pins_come_from_the_environment() -> None:
    assert load_settings(environ={PINS: json.dumps(PINNED)}).pins == PINNED
    assert load_settings(environ={}).pins == {}
    with pytest.raises(InvalidInput, match="must be JSON"):
        load_settings(environ={PINS: "[1]"})
