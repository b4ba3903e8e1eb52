"""The notebooks of the corpus, as their metadata describe them (README.md says how)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

FOLDER = Path(__file__).parent / "corpus"
SCIENCE = (
    "numpy", "pandas", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "sklearn.compose",
    "sklearn.datasets", "sklearn.ensemble", "sklearn.feature_extraction.text", "sklearn.linear_model",
    "sklearn.metrics", "sklearn.model_selection", "sklearn.pipeline", "sklearn.preprocessing", "sklearn.svm",
    "sklearn.tree",
)  # fmt: skip
SUBMITTED, RAISES = "submitted", "raises-exception"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A notebook that somebody worked in, and then submitted a cell of.

    ``executed`` are the ids of the cells in the order of execution, without the submitted one; the first
    has number 1. ``minimal`` are the numbers of those that the submitted cell needs; ``refused`` is a part
    of what is said where it cannot be submitted; ``unsound`` says what slicing does not see yet.
    """

    name: str
    sources: dict[str, str]
    executed: tuple[str, ...]
    submitted: str
    compared: tuple[str, ...]
    minimal: tuple[int, ...]
    raising: frozenset[str] = frozenset()
    refused: str = ""
    unsound: str = ""
    requires: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)

    def source_of(self, number: int) -> str:
        return self.sources[self.executed[number - 1]]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Those of all executed cells."""
        return tuple(range(1, len(self.executed) + 1))

    @property
    def modules(self) -> tuple[str, ...]:
        """What a shell for it has better loaded already."""
        text = "\n".join([self.submitted, *self.sources.values()])
        names = {each.partition(".")[0] for each in SCIENCE}
        return (*self.requires, *(SCIENCE if any(name in text for name in names) else ()))

    def may_raise(self, number: int) -> bool:
        return self.executed[number - 1] in self.raising


def paths() -> list[Path]:
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def example(path: Path) -> Example:
    """What a notebook's metadata and tags say."""
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    sources = {cell.id: cell.source for cell in code}
    (submitted,) = (cell.id for cell in code if SUBMITTED in cell.metadata.get("tags", []))
    about = notebook.metadata.corpus
    return Example(
        name=path.stem,
        sources=sources,
        executed=tuple(about.executed),
        submitted=sources[submitted],
        compared=tuple(about.compared),
        minimal=tuple(about.minimal),
        raising=frozenset(cell.id for cell in code if RAISES in cell.metadata.get("tags", [])),
        refused=about.get("refused", ""),
        unsound=about.get("unsound", ""),
        requires=tuple(about.get("requires", ())),
        files=dict(about.get("files", {})),
    )
