"""Secrets, known by their name or their shape, and taken out before anything is written.

A name says secret when one of its words does (``DB_PASSWORD``, ``apiKey``); shapes are those of the
tokens that providers hand out with a fixed prefix, of private keys, and of passwords in URLs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

from .secret_literals import secret_literals

REDACTED = "[redacted]"

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = {
    "password", "passwd", "pwd", "passphrase", "secret", "secrets", "credential", "credentials",
    "apikey", "authorization", "bearer", "cookie",
}  # fmt: skip
_TOKEN_WORDS = {"token", "auth"}
"""These are secrets only as texts: ``max_token=512`` is none."""
_KEY_OWNERS = {"api", "access", "private", "secret", "encryption", "signing", "ssh", "account", "auth"}

_HINT = re.compile("pass|pwd|secret|credential|key|auth|bearer|cookie|token", re.IGNORECASE)
"""Code without any of these has no secret name in it."""

_SHAPES = re.compile(
    r"""
      -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | \bgh[pousr]_[A-Za-z0-9]{20,}\b | \bgithub_pat_[A-Za-z0-9_]{20,}\b
    | \bglpat-[A-Za-z0-9_-]{20,} | \bhf_[A-Za-z0-9]{20,}\b | \bnpm_[A-Za-z0-9]{30,}\b
    | \bpypi-[A-Za-z0-9_-]{40,} | \bsk-[A-Za-z0-9_-]{20,} | \b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}\b
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,} | \bAIza[A-Za-z0-9_-]{35}
    | \beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*
    | (?<=Bearer\ )[A-Za-z0-9._~+/=-]{16,} | (?<=Authorization:\ Basic\ )[A-Za-z0-9+/=]{8,}
    | (?<=://)(?=[A-Za-z0-9_.~%-]*\d)[A-Za-z0-9_.~%-]{16,}(?=@)
    """,
    re.VERBOSE | re.DOTALL,
)
_MARKS = (
    "PRIVATE KEY", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_",
    "glpat-", "hf_", "npm_", "pypi-", "sk-", "k_live_", "k_test_",
    "xox", "AIza", "eyJ", "Bearer ", "Basic ", "://",
)  # fmt: skip
"""One of these is in each of the shapes: a quick look, for most texts have none."""
_URL_PASSWORD = re.compile(
    r"(?P<before>\b[a-z][a-z0-9+.-]*://[^/\s:@]*):(?P<password>[^/\s@]+)@", re.IGNORECASE
)


def redact(name: str, value: Any) -> Any:
    """The value, or :data:`REDACTED` where name or shape say secret. Goes into dicts and lists."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return redact_all(value)
    if isinstance(value, (list, tuple)):
        return [redact(name, item) for item in value]
    if is_secret_name(name, text=isinstance(value, str)) and value != "":
        return REDACTED
    return redact_text(value) if isinstance(value, str) else value


def redact_all(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every value of a mapping, by its key."""
    return {key: redact(str(key), value) for key, value in values.items()}


def redact_text(text: str) -> str:
    """The text without what has the shape of a secret."""
    if not any(mark in text for mark in _MARKS):
        return text
    text = _SHAPES.sub(REDACTED, text)
    return _URL_PASSWORD.sub(rf"\g<before>:{REDACTED}@", text) if "://" in text else text


def is_secret_name(name: str, *, text: bool = True) -> bool:
    """Whether a variable of this name holds a secret; ``text`` says that its value is a text."""
    words = [word.lower() for word in _WORD.findall(name)]
    if _SECRET_WORDS.intersection(words):
        return True
    if text and words and words[-1] in _TOKEN_WORDS:
        return True
    return any(word == "key" and owner in _KEY_OWNERS for owner, word in pairwise(words))


def redact_source(code: str) -> str:
    """Code without secrets: those known by their shape, and texts given to a secret name.

    ``api_key = "..."``, ``connect(password="...")``, ``environ["DB_PASSWORD"] = "..."``, entries of a dict
    literal, defaults, ``%env DB_PASSWORD=...`` and ``-t token=...`` on the line of a magic are seen. Of
    code that does not parse, lines are looked at one by one.
    """
    if not _HINT.search(code):
        return redact_text(code)
    for text in sorted(secret_literals(code, is_secret_name), key=len, reverse=True):
        quoted = r"(?P<quote>\'{3}|\"{3}|['\"])" + re.escape(text) + r"(?P=quote)"
        code = re.sub(quoted, rf"\g<quote>{REDACTED}\g<quote>", code)
    code = redact_known(code, known_secrets(code))
    code = _GIVEN_TEXT.sub(_without_text, code)
    return redact_text(_MAGIC_LINE.sub(_without_words, code))


def redact_diff(patch: str) -> str:
    """A diff without secrets, as far as single lines and shapes tell them."""
    lines = (
        redact_text(_GIVEN_TEXT.sub(_without_text, line) if _HINT.search(line) else line)
        for line in patch.splitlines(keepends=True)
    )
    text = "".join(lines)
    return redact_text(text) if "PRIVATE KEY" in text else text


def known_secrets(code: str) -> frozenset[str]:
    """The secrets in code that are so peculiar that they can be told wherever they turn up again."""
    found = {match["password"] for match in _URL_PASSWORD.finditer(code)} if "://" in code else set()
    if _HINT.search(code):
        found |= secret_literals(code, is_secret_name)
    for line in _MAGIC_LINE.findall(code):
        for given in _GIVEN_WORDS:
            found |= {match["text"] for match in given.finditer(line) if is_secret_name(match["name"])}
    return frozenset(text for text in found if is_peculiar(text))


def is_peculiar(text: str) -> bool:
    """Whether a text is no word that may stand elsewhere by chance: long, of letters and digits."""
    return len(text) >= 10 and any(map(str.isdigit, text)) and any(map(str.isalpha, text))


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
    if not is_secret_name(match["name"]):
        return match[0]
    return f"{match['name']}{match['between']}{match['quote']}{REDACTED}{match['quote']}"


def _without_words(line: re.Match[str]) -> str:
    text = line[0]
    for given in _GIVEN_WORDS:
        text = given.sub(_without_word, text)
    return text


def _without_word(match: re.Match[str]) -> str:
    return f"{match['name']}{match['between']}{REDACTED}" if is_secret_name(match["name"]) else match[0]
