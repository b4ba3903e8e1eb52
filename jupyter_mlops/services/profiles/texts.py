"""Text files: how long they are, how they are encoded, and which words they use most."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...entities import TextSummary, ValueCount

TEXTS = frozenset({".log", ".md", ".rst", ".text", ".txt"})
PIECE = 1024 * 1024
"""Characters that are looked at together."""
TOP_WORDS = 20
MOST_WORDS = 200_000
"""So many different words are counted; of more, those that were rare so far are forgotten."""
LONGEST_WORD = 100

_WORD = re.compile(r"\w+")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(slots=True)
class _Counts:
    lines: int = 0
    words: int = 0
    characters: int = 0
    encodings: Counter[str] = field(default_factory=Counter)
    common: Counter[str] = field(default_factory=Counter)


def summarize_texts(files: Sequence[Path]) -> TextSummary:
    """All files together."""
    counts = _Counts()
    for path in files:
        encoding = _encoding(path)
        counts.encodings[encoding] += 1
        _count(path, encoding, counts)
    top = sorted(counts.common.items(), key=lambda item: (-item[1], item[0]))[:TOP_WORDS]
    return TextSummary(
        files=len(files),
        lines=counts.lines,
        words=counts.words,
        characters=counts.characters,
        encodings=dict(counts.encodings),
        top_words=[ValueCount(value=word, count=count) for word, count in top if count > 1],
    )


def _count(path: Path, encoding: str, counts: _Counts) -> None:
    last = ""
    for piece in _pieces(path, encoding):
        counts.lines += piece.count("\n")
        counts.characters += len(piece)
        words = [word.lower()[:LONGEST_WORD] for word in _WORD.findall(piece)]
        counts.words += len(words)
        counts.common.update(words)
        if len(counts.common) > MOST_WORDS:
            counts.common = Counter(dict(counts.common.most_common(MOST_WORDS // 2)))
        last = piece[-1]
    if last not in ("", "\n"):  # a last line without an end
        counts.lines += 1


def _pieces(path: Path, encoding: str) -> Iterator[str]:
    """The text, cut between words."""
    rest = ""
    with path.open(encoding=encoding, errors="replace") as file:
        while text := file.read(PIECE):
            text = rest + text
            cut = max(text.rfind(" "), text.rfind("\n")) + 1 or (len(text) if len(text) > 4 * PIECE else 0)
            rest = text[cut:]
            if cut:
                yield text[:cut]
    if rest:
        yield rest


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(3)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    try:
        with path.open(encoding="utf-8") as file:
            is_ascii = all(piece.isascii() for piece in iter(lambda: file.read(PIECE), ""))
    except UnicodeDecodeError:
        return "latin-1"
    return "ascii" if is_ascii else "utf-8"
