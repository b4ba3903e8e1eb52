"""Long texts, each kept once, and the words in code and outputs.

SQLite finds any part of a text of at least three characters by FTS5's trigrams
(https://www.sqlite.org/fts5.html#the_trigram_tokenizer); the texts themselves lie in ordinary tables
(``content=``), and no positions are kept (``detail=none``): LIKE looks at the text of what the trigrams
found. Where SQLite was built without FTS5 or is older than 3.34, and on PostgreSQL, LIKE looks at all texts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, column, func, select, table, text
from sqlalchemy.exc import OperationalError

from . import index_tables as tables
from .index_document import LongText
from .index_merge import RunState
from .index_rows import chunks, put

PRINTED_BYTES = 8 * 1024
"""Of what a run printed so much of the beginning, and of the end, is searched."""
MESSAGES = 200
"""At most so many of the first and the last outputs are looked at for it."""

CODE_WORDS = table("run_code_words", column("rowid"), column("body"))
OUTPUT_WORDS = table("run_output_words", column("rowid"), column("body"))
_CONTENTS = {CODE_WORDS.name: (tables.texts.name, "key"), OUTPUT_WORDS.name: (tables.printed.name, "run")}

_decode = msgspec.json.Decoder().decode


# ---------------------------------------------------------------------- tables


def create(connection: Connection) -> None:
    """Make the full-text tables where SQLite can."""
    if connection.dialect.name != "sqlite":
        return
    for name, (content, key) in _CONTENTS.items():
        with contextlib.suppress(OperationalError):  # no such module, or no such tokenizer
            connection.execute(
                text(
                    f"CREATE VIRTUAL TABLE {name} USING fts5(body, content='{content}',"
                    f" content_rowid='{key}', tokenize='trigram', detail='none')"
                )
            )


def drop(connection: Connection) -> None:
    """Drop them, with the tables that they are kept in."""
    if connection.dialect.name == "sqlite":
        for name in _CONTENTS:
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))


def has_words(connection: Connection) -> bool:
    """Whether there are full-text tables."""
    if connection.dialect.name != "sqlite":
        return False
    query = text("SELECT count(*) FROM sqlite_master WHERE name = :name")
    return bool(connection.execute(query, {"name": OUTPUT_WORDS.name}).scalar())


# ---------------------------------------------------------------------- code


def keep_sources(connection: Connection, runs: Sequence[RunState]) -> None:
    """Keep the long texts of these runs' details, and say in ``runs.code`` which of them is the code."""
    texts: dict[bytes, str] = {}
    for run in runs:
        texts.update(run.texts)
    if not texts:
        return
    keys = _keys(connection, texts)
    new = [digest for digest in texts if digest not in keys]
    first = (connection.execute(select(func.max(tables.texts.c.key))).scalar() or 0) + 1
    keys.update(zip(new, range(first, first + len(new)), strict=False))
    put(connection, tables.texts, [(keys[digest], digest, texts[digest]) for digest in new])
    sources = _set_code(runs, keys)
    added = set(new)
    _add_words(connection, CODE_WORDS, [(keys[each], texts[each]) for each in sources if each in added])


def _set_code(runs: Sequence[RunState], keys: Mapping[bytes, int]) -> list[bytes]:
    sources: dict[bytes, None] = {}
    for run in runs:
        value, _ = (run.details or {}).get(("source", ""), (None, None))
        if isinstance(value, LongText) and value.digest in keys:
            run.columns["code"] = keys[value.digest]
            sources[value.digest] = None
    return list(sources)


def _keys(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    known = tables.texts.c
    for part in chunks(digests):
        query = select(known.digest, known.key).where(known.digest.in_(part))
        found.update((bytes(digest), key) for digest, key in connection.execute(query))
    return found


def bodies(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, str]:
    """Long texts by digest."""
    found: dict[bytes, str] = {}
    known = tables.texts.c
    for part in chunks(digests):
        query = select(known.digest, known.body).where(known.digest.in_(part))
        found.update((bytes(digest), body) for digest, body in connection.execute(query))
    return found


# ---------------------------------------------------------------------- outputs


def keep_printed(connection: Connection, runs: Iterable[int]) -> None:
    """Keep anew what these runs printed; their outputs are in the index already."""
    known = tables.printed.c
    for part in chunks(runs):
        old = dict(connection.execute(select(known.run, known.body).where(known.run.in_(part))).all())
        new = {run: _printed(connection, run) for run in part}
        changed = [run for run in part if new[run] != old.get(run, "")]
        _remove_words(connection, OUTPUT_WORDS, [(run, old[run]) for run in changed if run in old])
        put(connection, tables.printed, [(run, new[run]) for run in changed])
        _add_words(connection, OUTPUT_WORDS, [(run, new[run]) for run in changed])


def forget_printed(connection: Connection, runs: Iterable[int]) -> None:
    """Take the words of these runs' outputs out, before their rows go."""
    known = tables.printed.c
    for part in chunks(runs):
        rows = connection.execute(select(known.run, known.body).where(known.run.in_(part))).all()
        _remove_words(connection, OUTPUT_WORDS, [(row.run, row.body) for row in rows])


def _printed(connection: Connection, run: int) -> str:
    """The beginning and the end of a run's text; by writer and number, so that it needs no merging."""
    each = tables.outputs.c
    query = select(each.writer, each.n, each.message).where(each.run == run).limit(MESSAGES)
    first = connection.execute(query.order_by(each.writer, each.n)).all()
    head = "".join(map(_text_of, (row.message for row in first)))
    if len(first) < MESSAGES and len(head) <= 2 * PRINTED_BYTES:
        return head
    last = connection.execute(query.order_by(each.writer.desc(), each.n.desc())).all()
    tail = "".join(map(_text_of, (row.message for row in reversed(last))))
    return f"{head[:PRINTED_BYTES]}\n{tail[-PRINTED_BYTES:]}"


def _text_of(message: str) -> str:
    """What an output says in plain text: a part of a stream, a result, or a traceback."""
    output = _decode(message)
    found: Any = output.get("data", {}).get("text/plain", "")
    if isinstance(found, list):
        found = "".join(map(str, found))
    return found if output["message"] == "stream" or not found else f"{found}\n"


# ---------------------------------------------------------------------- words


def _add_words(connection: Connection, words: Any, rows: Sequence[tuple[int, str]]) -> None:
    if rows and has_words(connection):
        connection.exec_driver_sql(f"INSERT INTO {words.name} (rowid, body) VALUES (?, ?)", list(rows))


def _remove_words(connection: Connection, words: Any, rows: Sequence[tuple[int, str]]) -> None:
    """The old text has to be told: the words are not kept by row."""
    if rows and has_words(connection):
        connection.exec_driver_sql(
            f"INSERT INTO {words.name} ({words.name}, rowid, body) VALUES ('delete', ?, ?)", list(rows)
        )
