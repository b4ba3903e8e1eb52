"""Notebooks in other languages than Python: what their parameters cells declare, and what may be given.

papermill's translators write the values; how a line assigns a literal is told here, language by language.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from nbformat import NotebookNode

from ..entities import Parameter
from ..errors import InvalidInput, ParameterError

UNKNOWN = "unknown"
_EQUALS = re.compile(r"([A-Za-z_]\w*)[ \t]*=(?![=~])[ \t]*(.*)")
_ASSIGNMENTS = {
    "bash": re.compile(r"(?:export[ \t]+|declare[ \t]+(?:-\w+[ \t]+)*|readonly[ \t]+)?([A-Za-z_]\w*)=(.*)"),
    "r": re.compile(r"([A-Za-z.][\w.]*)[ \t]*(?:<<?-|=(?!=))[ \t]*(.*)"),
    "julia": re.compile(r"(?:const[ \t]+)?([A-Za-z_]\w*)(?:::\w+)?[ \t]*=(?!=)[ \t]*(.*)"),
    "scala": re.compile(r"(?:val|var)[ \t]+([A-Za-z_]\w*)(?:[ \t]*:[ \t]*\w+)?[ \t]*=[ \t]*(.*)"),
}
_NAMES = {"sh": "bash", "zsh": "bash", "ir": "r"}
_COMMENTS = {"matlab": "%", "octave": "%", "scala": "//", "c#": "//", "f#": "//", "javascript": "//"}
_WORDS = {"true": True, "false": False, "null": None, "none": None, "na": None, "nothing": None}
_INTEGER = re.compile(r"[+-]?\d+L?")
_FLOAT = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][+-]?\d+)?[fFd]?")
_QUOTED = re.compile(r"""'([^']*)'|"([^"\\$`]*)\"""")
_BARE = re.compile(r"[\w./:@%+-]+")


def language_of(notebook: NotebookNode) -> str:
    """The notebook's language as it names it; ``python`` where it does not say."""
    metadata = notebook.metadata
    name = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name")
    return str(name or "python")


def is_python(notebook: NotebookNode) -> bool:
    return language_of(notebook).lower() in ("python", "ipython")


def declared(source: str, language: str) -> list[Parameter]:
    """What the lines of a cell assign: literals with their types, all else as ``unknown``."""
    found: dict[str, Parameter] = {}
    for name, text, help_text in _assignments(source, language):
        kind, default = _literal(text, _known(language))
        found.pop(name, None)  # the last assignment decides, and its place
        found[name] = Parameter(name=name, default=default, type=kind, help=help_text)
    return list(found.values())


def check_reassigned(notebook: NotebookNode, names: Collection[str], after: int | None) -> None:
    """Raise ParameterError where a cell below the injected values sets one of them again.

    ``after`` is the parameters cell's index; without one the values come first of all.
    """
    start, language = -1 if after is None else after, language_of(notebook)
    for index, cell in enumerate(notebook.cells[start + 1 :], start + 1):
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or "injected-parameters" in tags:
            continue
        assigned = {name for name, _, _ in _assignments(cell.source, language)}
        if again := next((name for name in names if name in assigned), None):
            advice = (
                f"Tag that cell 'parameters', and values are put in below it: it sets {again}."
                if after is None
                else "Take that line out."
            )
            raise ParameterError(f"{again} cannot be overridden: cell {index + 1} assigns it. {advice}")


def translated(notebook: NotebookNode, values: Mapping[str, Any]) -> str:
    """The cell that sets the values, as papermill writes it in the notebook's language.

    Raises InvalidInput where papermill cannot.
    """
    from papermill.exceptions import PapermillException
    from papermill.translators import papermill_translators, translate_parameters

    kernel, language = notebook.metadata.get("kernelspec", {}).get("name", ""), language_of(notebook)
    try:
        papermill_translators.find_translator(kernel, language)
    except PapermillException as error:
        raise InvalidInput(
            f"Parameters cannot be passed to a notebook in {language} (kernel {kernel!r}): papermill writes "
            f"{', '.join(papermill_translators._translators)}. Submit it without -p, and set the values "
            "in the notebook."
        ) from error
    try:
        return str(translate_parameters(kernel, language, dict(values), "Parameters"))
    except (PapermillException, NotImplementedError) as error:
        shown = ", ".join(f"{name}={value!r}" for name, value in values.items())
        raise InvalidInput(
            f"papermill cannot write these values in {language}: {shown}. Numbers and texts are always "
            "possible."
        ) from error


def _assignments(source: str, language: str) -> Iterator[tuple[str, str, str]]:
    """Name, value and comment of each line that begins with an assignment; a block's lines are indented."""
    known = _known(language)
    pattern, mark = _ASSIGNMENTS.get(known, _EQUALS), _COMMENTS.get(known, "#")
    for line in source.splitlines():
        if match := pattern.fullmatch(line.rstrip()):
            value, comment = _without_comment(match[2], mark)
            yield match[1], value.strip().rstrip(";").strip(), comment.strip()


def _known(language: str) -> str:
    lowered = language.lower()
    return _NAMES.get(lowered, lowered)


def _without_comment(text: str, mark: str) -> tuple[str, str]:
    quote = ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif text.startswith(mark, index) and (index == 0 or text[index - 1].isspace()):
            return text[:index], text[index + len(mark) :]
    return text, ""


def _literal(text: str, language: str) -> tuple[str, Any]:
    if _INTEGER.fullmatch(text):
        return "int", int(text.rstrip("L"))
    if _FLOAT.fullmatch(text):
        return "float", float(text.rstrip("fFd"))
    if match := _QUOTED.fullmatch(text):
        return "str", match[1] if match[1] is not None else match[2]
    if text.lower() in _WORDS:
        value = _WORDS[text.lower()]
        return ("NoneType" if value is None else "bool"), value
    if language == "bash" and _BARE.fullmatch(text):
        return "str", text
    return UNKNOWN, None
