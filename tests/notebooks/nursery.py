"""``python -m tests.notebooks.nursery MODULE...``: forks an IPython shell for every folder named on its input.

It has imported the modules, so that a session takes milliseconds; nothing that a session does (seeds,
settings, environment, current folder) reaches another one.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import pickle
import random
import signal
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.errors import PromotionRefused
from jupyter_mlops.notebooks.promotion import promote
from jupyter_mlops.notebooks.slicing import Slice, dependencies

from .plain import plain
from .sessions import Kept, Outcome, Session

LIMIT_S = 60
OF_JOBS = ("jupyter_mlops.magics", "jupyter_mlops.magics.tracked_cell", "jupyter_mlops.workspace")
"""What a promoted notebook uses; importing it changes nothing."""


class Shell(InteractiveShell):
    """A kernel's shell without the kernel."""

    def enable_gui(self, gui: str | None = None) -> None:
        """No windows: ``%matplotlib`` finds all it needs."""


def main() -> None:
    """Answer each line, a folder's path, with the wait status of the shell that ran its session."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    sys.dont_write_bytecode = True  # a module may be written twice within one tick of the file's clock
    for module in (*OF_JOBS, *sys.argv[1:]):
        importlib.import_module(module)
    config = Config()
    config.HistoryManager.enabled = False
    shell = Shell.instance(config=config)
    _promised([ExecutedCell(1, "a = 1", True)], "a", {})  # loads what it loads once
    gc.freeze()  # what all have in common is never copied for the collector
    for line in requests:
        if (child := os.fork()) == 0:
            _be_born(shell, Path(line.strip()))
        _, status = os.waitpid(child, 0)
        print(status, file=answers, flush=True)


def _be_born(shell: InteractiveShell, folder: Path) -> None:
    """Run the folder's session in this new process, and end it."""
    signal.alarm(LIMIT_S)
    code = 1
    log = os.open(folder.with_suffix(".log"), os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        outcome = asyncio.run(_run(shell, pickle.loads(folder.with_suffix(".session").read_bytes()), folder))
        folder.with_suffix(".outcome").write_bytes(pickle.dumps(outcome))
        code = 0
    except BaseException:  # noqa: BLE001  whatever it is, it is told in the log and this process ends
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


async def _run(shell: InteractiveShell, session: Session, folder: Path) -> Outcome:
    _become_unlike_others()
    os.chdir(folder)
    sys.path[0] = ""
    for name, text in session.files.items():
        Path(name).write_text(text)
    raised: dict[int, str] = {}
    cells: list[ExecutedCell] = []
    for position, source in enumerate(session.cells):
        if error := await _error_of(shell, source):
            raised[position] = error
        cells.append(ExecutedCell(position + 1, source, not error))
    promised = _promised(cells, session.submitted, shell.user_ns) if session.sliced else Outcome()
    if error := await _error_of(shell, session.submitted):
        raised[-1] = error
    missing = [name for name in session.compared if name not in shell.user_ns]
    values = {name: plain(shell.user_ns[name]) for name in session.compared if name not in missing}
    return replace(promised, values=values, raised=raised)


def _become_unlike_others() -> None:
    """Fresh processes draw different numbers until a seed is set; forked ones would all draw the same."""
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        torch.seed()


async def _error_of(shell: InteractiveShell, source: str) -> str:
    """Execute a cell as a kernel does, in a loop that runs on between cells; returns the error's text."""
    if _awaits(shell, source):
        result = await shell.run_cell_async(
            source, store_history=True, transformed_cell=shell.transform_cell(source)
        )
    else:
        result = shell.run_cell(source, store_history=True)
    await asyncio.sleep(0)
    error = result.error_before_exec or result.error_in_exec
    return "" if error is None else f"{type(error).__name__}: {error}"


def _awaits(shell: InteractiveShell, source: str) -> bool:
    try:
        return bool(shell.should_run_async(source, transformed_cell=shell.transform_cell(source)))
    except SyntaxError:
        return False


def _promised(cells: list[ExecutedCell], submitted: str, namespace: dict[str, Any]) -> Outcome:
    """What slicing and promotion say before the submitted cell is executed."""
    anew = [replace(cell) for cell in cells]  # of cells that it knows, slicing remembers what it saw
    slices = (
        _kept(dependencies(cells, submitted, namespace)),
        _kept(dependencies(anew, submitted, None)),
    )
    try:
        promotion = promote(cells, submitted, name="job", params={}, namespace=namespace)
    except PromotionRefused as refusal:
        return Outcome(slices=slices, refusal=str(refusal))
    return Outcome(slices=slices, promoted=tuple(cell.source for cell in promotion.notebook.cells))


def _kept(found: Slice) -> Kept:
    verdicts = [f"{'kept' if each.needed else '    '} {each.cell.number}: {each.why}" for each in found.cells]
    return Kept(tuple(cell.number for cell in found.needed), (*verdicts, *found.undecided))


if __name__ == "__main__":
    main()
