"""Whether bytes are one whole UBJSON value (https://ubjson.org), as XGBoost writes it.

XGBoost ends the process where it reads beyond the end of its own format, so a file that was cut off must not
reach it.
"""

from __future__ import annotations

import struct

from ....errors import InvalidInput

SIZES = {
    b"i": 1,
    b"U": 1,
    b"I": 2,
    b"l": 4,
    b"L": 8,
    b"d": 4,
    b"D": 8,
    b"Z": 0,
    b"N": 0,
    b"T": 0,
    b"F": 0,
    b"C": 1,
}
"""The bytes of a value after its marker."""
LENGTHS = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q"}
DEEPEST = 200


def require_whole(data: bytes | bytearray) -> None:
    """Raises InvalidInput for what is cut off or is no UBJSON."""
    reader = _Reader(data)
    reader.value(reader.marker(), 0)
    if reader.at != len(data):
        raise InvalidInput(f"There are {len(data) - reader.at} bytes after the end of the model.")


class _Reader:
    def __init__(self, data: bytes | bytearray) -> None:
        self._data = data
        self.at = 0

    def value(self, marker: bytes, depth: int) -> None:
        """Go over one value."""
        if depth > DEEPEST:
            raise InvalidInput(f"The model is nested more than {DEEPEST} deep.")
        if marker in SIZES:
            self._skip(SIZES[marker])
        elif marker in (b"S", b"H"):
            self._skip(self._length())
        elif marker in (b"[", b"{"):
            self._container(marker, depth)
        else:
            raise InvalidInput(f"{marker!r} at byte {self.at - 1} begins no value of UBJSON.")

    def marker(self) -> bytes:
        self._skip(1)
        return bytes(self._data[self.at - 1 : self.at])

    def _container(self, opening: bytes, depth: int) -> None:
        kind = self._after(b"$") and self.marker()
        count = self._length() if self._after(b"#") else None
        if kind and count is not None and opening == b"[" and kind in SIZES:
            self._skip(count * SIZES[kind])
            return
        closing = b"]" if opening == b"[" else b"}"
        while count is None or count > 0:
            if count is None and self._after(closing):
                return
            if opening == b"{":
                self._skip(self._length())
            self.value(kind or self.marker(), depth + 1)
            count = None if count is None else count - 1

    def _after(self, marker: bytes) -> bool:
        """Whether this marker comes next; then it is passed."""
        found = bytes(self._data[self.at : self.at + 1]) == marker
        self.at += found
        return found

    def _length(self) -> int:
        form = LENGTHS.get(self.marker())
        if form is None:
            raise InvalidInput(f"Byte {self.at - 1} begins no length of UBJSON.")
        size = struct.calcsize(form)
        self._skip(size)
        (length,) = struct.unpack_from(form, self._data, self.at - size)
        if length < 0:
            raise InvalidInput(f"A length of {length} before byte {self.at}.")
        return int(length)

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise InvalidInput(f"The model is cut off at byte {len(self._data)}.")
