"""URLs as they may be shown, and the content of a stream while somebody else reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from ..redact import REDACTED, is_secret_name, redact_text
from .digests import new_hasher

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?:::[A-Za-z][A-Za-z0-9+.-]+)*://")
_SIGNED = frozenset(
    ("sig", "signature", "x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-goog-signature",
     "x-goog-credential", "awsaccesskeyid", "googleaccessid", "key", "code", "token", "access_token", "auth")
)  # fmt: skip
"""Parameters of signed links; the rest are known by :func:`is_secret_name`."""


def is_url(text: str) -> bool:
    return _URL.match(text) is not None


def local_path(url: str) -> str | None:
    """The path of a ``file:`` URL; None for any other."""
    parts = urlsplit(url)
    return unquote(parts.path) if parts.scheme in ("file", "local") else None


def shown_url(url: str) -> str:
    """The URL without user, password, and what in its query has the name or shape of a secret."""
    before, mark, fragment = url.partition("#")
    before, _, query = before.partition("?")
    scheme, slashes, rest = before.partition("://")
    place, slash, path = rest.partition("/")
    shown = scheme + slashes + place.rpartition("@")[2] + slash + path
    if query:
        shown += "?" + "&".join(map(_shown, query.split("&")))
    if mark:
        shown += mark + "&".join(map(_shown, fragment.split("&")))
    return redact_text(shown)


def _shown(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if equals and (name.lower() in _SIGNED or is_secret_name(unquote(name))):
        return name + equals + REDACTED
    return name + equals + (value if redact_text(unquote(value)) == unquote(value) else REDACTED)


class Tee:
    """Digests a stream's content while its reader takes it, in order and each byte once."""

    def __init__(self, stream: Any, *, limit_bytes: int) -> None:
        self._stream = stream
        self._limit = limit_bytes
        self._hasher = new_hasher()
        self._done = 0
        self._inside = False
        self._gap = False
        self._at_end = False
        self.size = _size_of(stream)

    def attach(self) -> None:
        """Watch what is read, by attributes of this one object. Raises AttributeError if it takes none."""
        for name in ("read", "read1", "readline", "readinto"):
            method = getattr(self._stream, name, None)
            if callable(method):
                setattr(self._stream, name, self._watched(method, name))

    @property
    def read_bytes(self) -> int:
        return self._done

    @property
    def digest(self) -> str:
        """Of the whole content; empty when there is a :attr:`problem`."""
        return "" if self.problem else str(self._hasher.hexdigest())

    @property
    def problem(self) -> str:
        """Why the content has no digest; empty when it has one."""
        if self._gap:
            return "not read from beginning to end, so its content was not hashed"
        if self._done > self._limit:
            return f"larger than {self._limit} bytes, so its content was not hashed"
        if self._done == self.size or (self.size is None and self._at_end):
            return ""
        return f"only {self._done} of its {'' if self.size is None else f'{self.size} '}bytes were read"

    def _watched(self, method: Callable[..., Any], name: str) -> Callable[..., Any]:
        def read(*args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return method(*args, **kwargs)
            self._inside = True
            try:
                start = self._position()
                result = method(*args, **kwargs)
            finally:
                self._inside = False
            taken = memoryview(args[0]).cast("B")[: result or 0] if name == "readinto" else result
            self._take(start, taken, everything=_asks_for_all(name, args, kwargs))
            return result

        return read

    def _position(self) -> int:
        """Where the next read begins; a stream that cannot seek is read in order."""
        try:
            return int(self._stream.tell())
        except (OSError, ValueError, AttributeError, TypeError):
            return self._done

    def _take(self, start: int, data: Any, *, everything: bool) -> None:
        if not isinstance(data, (bytes, bytearray, memoryview)):
            self._gap = True
            return
        if start > self._done:
            self._gap = True
        new = memoryview(data)[max(0, self._done - start) :]
        if self._done + len(new) <= self._limit and not self._gap:
            self._hasher.update(new)
        self._done += len(new)
        self._at_end = self._at_end or everything or not len(data)


def _asks_for_all(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return name == "read" and not kwargs and (not args or args[0] is None or args[0] == -1)


def _size_of(stream: Any) -> int | None:
    """The content's length, of an HTTP response or of a file of fsspec."""
    for name in ("length", "size"):
        size = getattr(stream, name, None)
        if type(size) is int and size >= 0:
            return size
    return None
