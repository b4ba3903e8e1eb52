"""Which names say that their value is a secret."""

from __future__ import annotations

import re
from itertools import pairwise

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_SECRET = {
    "password", "passwd", "pwd", "passphrase", "secret", "secrets", "credential", "credentials", "creds",
    "apikey", "authorization", "bearer", "cookie",
}  # fmt: skip
_TEXT_SECRET = {"token", "auth", "jwt"}
"""These, at the end of a name, are secrets only as texts: ``max_token=512`` is none."""
_KEY_OWNERS = {
    "api", "access", "private", "secret", "encryption", "signing", "ssh", "account", "auth", "license",
    "master", "storage", "subscription", "deploy", "shared", "consumer", "hmac", "webhook",
}  # fmt: skip
_PASS_OWNERS = {
    "db",
    "user",
    "smtp",
    "mail",
    "email",
    "ftp",
    "login",
    "admin",
    "root",
    "pg",
    "mysql",
    "redis",
}
"""``db_pass`` is a password; ``high_pass`` is a filter."""
_ABOUT = {
    "field", "fields", "column", "columns", "col", "path", "file", "filename", "folder", "dir", "name",
    "names", "label", "length", "len", "size", "count", "type", "kind", "format", "pattern", "regex", "hint",
    "prompt", "policy", "env", "var", "variable", "ttl", "timeout", "expiry", "expires", "required",
    "enabled",
}  # fmt: skip
"""A name that ends so is about a secret: ``password_field`` holds none."""
_OF_TEXTS = {
    "pad", "eos", "bos", "unk", "mask", "sep", "cls", "stop", "start", "end", "special", "image", "audio",
    "video", "next", "first", "last", "prev", "previous", "current", "word", "sub", "sos", "begin", "eot",
    "boundary", "think", "blank", "per", "new", "source", "target", "decoder", "additional", "max", "min",
    "num",
}  # fmt: skip
"""Language models speak of such tokens: ``pad_token="[PAD]"``."""
_MARKUP = re.compile(r"[\s<>{}|]|^\[.*\]$")

HINTS = ("pass", "pwd", "secret", "cred", "key", "auth", "bearer", "cookie", "token", "jwt")
"""One of these is in every such name, in whatever case."""


def may_name_secrets(text: str) -> bool:
    """A quick look: whether a name that says secret may be in a text."""
    lowered = text.lower()
    return any(hint in lowered for hint in HINTS)


def is_secret_name(name: str, *, text: bool = True) -> bool:
    """Whether a variable of this name holds a secret; ``text`` says that its value is a text."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _ABOUT:
        return False
    if not _SECRET.isdisjoint(words):
        return True
    pairs = list(pairwise(words))
    if text and words[-1] in _TEXT_SECRET:
        return not (words[-1] == "token" and len(words) > 1 and words[-2] in _OF_TEXTS)
    return any(word == "key" and owner in _KEY_OWNERS for owner, word in pairs) or (
        bool(pairs) and pairs[-1][1] == "pass" and pairs[-1][0] in _PASS_OWNERS
    )


def is_secret_given(name: str, value: str) -> bool:
    """Whether a text given to a name is a secret: words such as ``<|end|>`` are none, nor is a folder."""
    if not value or not is_secret_name(name):
        return False
    if name.lower() == "pwd":
        return not value.startswith(("/", "~"))
    words = _WORD.findall(name)
    if words[-1].lower() in _TEXT_SECRET and _SECRET.isdisjoint(word.lower() for word in words):
        return not _MARKUP.search(value)
    return True


def is_peculiar(text: str) -> bool:
    """Whether a text is no word that may stand elsewhere by chance: long, of letters and digits."""
    return len(text) >= 10 and any(map(str.isdigit, text)) and any(map(str.isalpha, text))
