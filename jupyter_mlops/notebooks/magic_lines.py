"""Line magics, shell lines and cell magics of other languages as steps."""

from __future__ import annotations

import ast
import re

from . import purity
from .expressions import Writer, cut
from .names import EXPANDED
from .source import to_python
from .steps import NOTHING, Bind, Call, Do, Files, Import, Name, Opaque, Plain, Setting

FILE_WORD = re.compile(r"[\w./~-]*\w\.\w+")
"""What looks like a file's name in a shell line."""
OPTIONS = re.compile(r"^(\s*-\S+(\s+\d+)?)+\s+")
WORD = re.compile(r"\b[A-Za-z_]\w*")
MACRO = "IPython.core.macro"
MACRO_NAME = re.compile(r"\s*(?:-\w+\s+)*([A-Za-z_]\w*)")
WITH_CODE = frozenset({"time", "prun", "timeit"})
OPAQUE = frozenset({"save", "store", "pylab", "load", "macro", "edit", "rerun", "recall", "paste", "cpaste"})
IMPORTING = frozenset({"load_ext", "reload_ext", "aimport"})


def read_magic(reader: Writer, name: str, text: str) -> None:
    """A line magic, or with the name ``!`` a shell line."""
    _read_expanded(reader, text)
    if name in ("!", "run"):
        reader.texts += FILE_WORD.findall(text)
    if name == "!":
        if not purity.HARMLESS_SHELL.match(text):
            reader.steps.append(Setting(f"runs !{cut(text)}: what it does cannot be seen"))
    elif name in WITH_CODE and text.strip():
        _read_code(reader, text, certain=name == "time")
    elif name == "run":
        reader.steps.append(Opaque(f"%run {cut(text)}", " -i" in f" {text}"))
    elif name in ("reset", "reset_selective"):
        reader.steps.append(Opaque(f"%{name}", False))
    elif name in OPAQUE:
        if name == "macro" and (made := MACRO_NAME.match(text)):
            reader.bind(made[1], NOTHING)
            reader.steps.append(Import(made[1], MACRO, MACRO, True))
        reader.steps.append(Opaque(f"%{name} {cut(text)}".strip(), name not in ("store", "pylab")))
    elif name not in purity.LINE_MAGICS_THAT_SHOW and not name.startswith("_mlops"):
        _read_setting(reader, name, text.strip())


def _read_setting(reader: Writer, name: str, text: str) -> None:
    """A magic that changes something: one of IPython's, of an extension, or of the cells' own."""
    if name in IMPORTING:
        if text == "jupyter_mlops":
            return
        reader.texts.append(f"{text.rpartition('.')[2]}.py")
    _read_words(reader, text)
    reader.steps.append(Setting(f"%{name} {cut(text)}".strip() + " may change how later cells run", name))


def _read_words(reader: Writer, text: str) -> None:
    """The variables that an extension's magic may look up: ``%sql select * from df``, ``%R -i df``."""
    names = dict.fromkeys(WORD.findall(text))
    reader.steps.append(Do(Plain(tuple([Name(name) for name in names]))))


def _read_code(reader: Writer, text: str, *, certain: bool) -> None:
    """The code of a ``%time`` line."""
    try:
        body = ast.parse(to_python(OPTIONS.sub("", text))).body
    except (SyntaxError, ValueError):
        return
    reader.depth += not certain
    reader.block(body)
    reader.depth -= not certain


def _read_timed(reader: Writer, setup: str, code: str) -> None:
    """The body of a ``%%timeit`` cell, which is a function that is called."""
    try:
        body = ast.parse(to_python(f"{setup.strip()}\n{code}")).body
    except (SyntaxError, ValueError):
        return
    timed = ast.parse("def timed(): pass").body[0]
    assert isinstance(timed, ast.FunctionDef)
    timed.body = body
    function = reader.expressions.made(timed)
    reader.steps.append(Do(Call(function, (), (), (), True, "%%timeit")))


def _read_expanded(reader: Writer, text: str) -> None:
    """What IPython fills into a magic's line."""
    for braces, dollar in EXPANDED.findall(text):
        try:
            expression = ast.parse((braces or dollar).strip(), mode="eval").body
        except (SyntaxError, ValueError):
            continue
        reader.steps.append(Do(reader.expressions.value(expression)))


def read_foreign(reader: Writer, body: str) -> None:
    """A cell magic whose body is no Python of this kernel."""
    first = next((line.strip() for line in body.splitlines() if line.strip()), "")
    name, _, line = first.removeprefix("%%").partition(" ")
    if name == "timeit":
        _read_timed(reader, OPTIONS.sub("", f" {line} "), body.partition(first)[2])
    if name in purity.CELL_MAGICS_THAT_SHOW:
        return
    if name in ("writefile", "file"):
        path = line.replace("-a", "").strip().strip("'\"")
        reader.steps.append(Files((path,), True))
        return
    _read_expanded(reader, line)
    if name not in ("bash", "sh") or not _only_shows(body.partition(first)[2]):
        reader.steps.append(Setting(f"runs %%{name}: what it does cannot be seen", name))
    if name not in purity.CELL_MAGICS_OF_SHELLS:
        _read_words(reader, f"{line}\n{body.partition(first)[2]}")
        reader.steps.append(Opaque(f"%%{name}", False))
    for kept in re.findall(r"--(?:out|err)\s+(\w+)", line):
        reader.steps.append(Bind(kept, NOTHING, True))
    reader.texts += FILE_WORD.findall(body)


def _only_shows(script: str) -> bool:
    lines = (line.strip() for line in script.splitlines())
    return all(purity.HARMLESS_SHELL.match(line) for line in lines if line and not line.startswith("#"))
