"""Secrets, known by their name or their shape, and taken out before anything is written.

A name says secret when one of its words does (``DB_PASSWORD``, ``apiKey``), see :mod:`.secret_names`;
shapes are those of :mod:`.secret_shapes`. What is taken out twice stays as it was after the first time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from .secret_literals import secret_literals
from .secret_names import is_peculiar, is_secret_given, is_secret_name, may_name_secrets
from .secret_shapes import MOST_PASSES, REDACTED, url_passwords, without_shapes

__all__ = [
    "REDACTED",
    "is_peculiar",
    "is_secret_name",
    "known_secrets",
    "redact",
    "redact_all",
    "redact_diff",
    "redact_known",
    "redact_shapes",
    "redact_source",
    "redact_text",
]

REMEMBERED_CHARACTERS = 20_000
"""Longer sources are not remembered: modules are looked at once, cells again and again."""


def redact(name: str, value: Any) -> Any:
    """The value, or :data:`REDACTED` where name or shape say secret. Goes into dicts and lists."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return redact_all(value)
    if isinstance(value, (list, tuple)):
        return [redact(name, item) for item in value]
    if isinstance(value, str):
        return REDACTED if is_secret_given(name, value) else redact_text(value)
    return REDACTED if is_secret_name(name, text=False) else value


def redact_all(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every value of a mapping, by its key."""
    return {key: redact(str(key), value) for key, value in values.items()}


def redact_shapes(value: Any) -> Any:
    """The value without what has the shape of a secret, whatever it is called. Goes into dicts and lists."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {key: redact_shapes(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_shapes(each) for each in value]
    return value


def redact_text(text: str) -> str:
    """A text that is shown, without what has the shape of a secret."""
    return without_shapes(text)


def redact_source(code: str) -> str:
    """Code without secrets: those known by their shape, and texts given to a secret name.

    ``api_key = "..."``, ``connect(password="...")``, ``environ["DB_PASSWORD"] = "..."``, entries of a dict
    literal, defaults, ``%env DB_PASSWORD=...`` and ``-t token=...`` on the line of a magic are seen. Of
    code that does not parse, lines are looked at one by one.
    """
    return _remembered(code) if len(code) <= REMEMBERED_CHARACTERS else _without_secrets(code)


def _without_secrets(code: str) -> str:
    for _ in range(MOST_PASSES):
        shown = _once(code)
        if shown == code:
            break
        code = shown  # code that did not parse may do so now
    return code


def _once(code: str) -> str:
    if not may_name_secrets(code):
        return without_shapes(code, code=True)
    for text in sorted(secret_literals(code, is_secret_given), key=len, reverse=True):
        quoted = r"(?P<quote>\'{3}|\"{3}|['\"])" + re.escape(text) + r"(?P=quote)"
        code = re.sub(quoted, rf"\g<quote>{REDACTED}\g<quote>", code)
    code = redact_known(code, known_secrets(code))
    code = _GIVEN_TEXT.sub(_without_text, code)
    return without_shapes(_MAGIC_LINE.sub(_without_words, code), code=True)


_remembered = lru_cache(maxsize=512)(_without_secrets)


def redact_diff(patch: str) -> str:
    """A diff without secrets, as far as single lines and shapes tell them."""
    if may_name_secrets(patch):
        lines = (
            _GIVEN_TEXT.sub(_without_text, line) if may_name_secrets(line) else line
            for line in patch.splitlines(keepends=True)
        )
        patch = "".join(lines)
    return without_shapes(patch, code=True)


def known_secrets(code: str) -> frozenset[str]:
    """The secrets in code that are so peculiar that they can be told wherever they turn up again."""
    found = set(url_passwords(code))
    if may_name_secrets(code):
        found |= secret_literals(code, is_secret_given)
    for line in _MAGIC_LINE.findall(code):
        for given in _GIVEN_WORDS:
            found |= {match["text"] for match in given.finditer(line) if is_secret_name(match["name"])}
    return frozenset(text for text in found if is_peculiar(text))


def redact_known(text: str, secrets: Collection[str]) -> str:
    """The text without the secrets that are known; longer ones first, for one may hold another."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return text


_MAGIC_LINE = re.compile(r"^[ \t]*(?:%%?\w+[ \t]|!).*$", re.MULTILINE)
_GIVEN_WORDS = (
    re.compile(r"(?<![\w-])(?P<name>[A-Za-z_]\w*)(?P<between>=)(?P<text>[^\s'\"]+)"),
    re.compile(r"(?:(?<=%env )|(?<=%set_env )|(?<= --))(?P<name>[\w-]+)(?P<between>[ =])(?P<text>[^\s'\"]+)"),
)
_GIVEN_TEXT = re.compile(
    r"""(?<!\w)(?P<name>[A-Za-z_][\w-]{0,100})
        (?P<between>['"]?\]?[ \t]*(?::[ \t]*[\w.\[\]|\ ]{1,60}?)?[ \t]*(?:=|:)[ \t]*[rbufRBUF]{0,2})
        (?P<quote>['"])(?P<text>[^'"\n]+)(?P=quote)""",
    re.VERBOSE,
)


def _without_text(match: re.Match[str]) -> str:
    if not is_secret_given(match["name"], match["text"]):
        return match[0]
    return f"{match['name']}{match['between']}{match['quote']}{REDACTED}{match['quote']}"


def _without_words(line: re.Match[str]) -> str:
    text = line[0]
    for given in _GIVEN_WORDS:
        text = given.sub(_without_word, text)
    return text


def _without_word(match: re.Match[str]) -> str:
    given = is_secret_given(match["name"], match["text"])
    return f"{match['name']}{match['between']}{REDACTED}" if given else match[0]
