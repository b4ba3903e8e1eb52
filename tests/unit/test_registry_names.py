"""Names, aliases and references."""

from __future__ import annotations

import pytest

from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.registry.names import Reference, checked_alias, checked_name, parse_reference

BAD_NAMES = ["", "  ", "a/b", "a\\b", "..", "a..b", ".", "a@1", "a\nb", "a\0b", "a\x7fb", "\udcff", "x" * 201]


@pytest.mark.parametrize(
    "name", ["train", "MNIST v1.0", "données été", "数据", "🚀", "a-b_c.d", "100%", "Ω" * 200]
)
def test_any_other_unicode_is_a_name(name: str) -> None:
    assert checked_name(name) == name
    assert parse_reference(f"{name}@7") == Reference(name, 7)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_name_that_breaks_paths_or_references_is_refused_with_its_value(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_name(name)
    assert repr(name[:40])[:-1] in caught.value.message


def test_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="text, not 3"):
        checked_name(3)  # type: ignore[arg-type]


def test_two_spellings_that_look_alike_are_one_name() -> None:
    assert checked_name("e\u0301te\u0301") == checked_name("été") == "été"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train", Reference("train")),
        ("train@latest", Reference("train")),
        ("train@2", Reference("train", 2)),
        ("train@0", Reference("train", 0)),
        ("digits@champion", Reference("digits", "champion")),
        ("digits@v2", Reference("digits", "v2")),
        ("digits@²", Reference("digits", "²")),
    ],
)
def test_reference_says_which_version(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    "text", ["", "@", "train@", "@2", "train@2@3", "a/b@1", "train@a/b", "a@" + "9" * 19, "a@" + "1" * 5000]
)
def test_reference_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_reference(text)


@pytest.mark.parametrize(
    ("alias", "why"),
    [
        ("latest", "NAME@latest is always the newest version"),
        ("3", "NAME@3 is the version of that number"),
        ("", "must not be empty"),
        ("a@b", "must not contain"),
        ("a/b", "must not contain"),
    ],
)
def test_alias_that_a_reference_would_misread_is_refused(alias: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        checked_alias(alias)
