"""``%load_ext jupyter_mlops``: the magics and the hooks, in a kernel or a terminal IPython.

Loading must stay quick: what tracking, the index and jobs need is imported when it is first used.
"""

from __future__ import annotations

from typing import Any

from ..capture.history import History, kernels, on_job_use
from ..capture.loaded import on_read
from ..notebooks.ahead import ReadAhead
from .cells import cells_that_raised, running_cell
from .completion import complete
from .mlops_magic import mlops
from .track import CellHooks
from .transform import BEGIN, TrackTransformer

__all__ = ["Extension", "history_of", "load_ipython_extension", "unload_ipython_extension"]

_ATTRIBUTE = "_jupyter_mlops_extension"
_EVENTS = ("pre_run_cell", "post_run_cell")


class Extension:
    """What ``%load_ext`` put into a shell, so that it can be taken out again."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.history = History(ReadAhead().put, shell.user_ns)
        self._hooks = CellHooks(shell, self.history)
        self._transformer = TrackTransformer(shell.transform_cell)

    def load(self) -> None:
        shell = self.shell
        shell.input_transformers_cleanup.append(self._transformer)
        for event in _EVENTS:
            shell.events.register(event, getattr(self._hooks, event))
        begin = self._hooks.begin
        begin_magic = _without_expansion(lambda line: begin(line))
        shell.register_magic_function(begin_magic, "line", BEGIN)
        shell.register_magic_function(_track(shell), "cell", "track")
        shell.register_magic_function(mlops, "line", "mlops")
        if shell.Completer is not None:
            shell.Completer.custom_matchers.append(complete)
        on_job_use.append(self.history.note_job_use)
        on_read.append(self.history.note_read)
        kernels.append(self.history)
        self._seed()

    def unload(self) -> None:
        shell = self.shell
        shell.input_transformers_cleanup.remove(self._transformer)
        for event in _EVENTS:
            shell.events.unregister(event, getattr(self._hooks, event))
        for kind, names in (("line", (BEGIN, "mlops", "submit")), ("cell", ("track", "submit"))):
            for name in names:
                shell.magics_manager.magics[kind].pop(name, None)
        if shell.Completer is not None and complete in shell.Completer.custom_matchers:
            shell.Completer.custom_matchers.remove(complete)
        on_job_use.remove(self.history.note_job_use)
        on_read.remove(self.history.note_read)
        kernels.remove(self.history)

    def _seed(self) -> None:
        """The cells that ran before, and the one that loads the extension: no hook saw their begin."""
        manager = getattr(self.shell, "history_manager", None)
        sources = list(manager.input_hist_raw[1:]) if manager is not None else []
        raised = cells_that_raised(self.shell)
        running = running_cell()
        if running is not None and sources and sources[-1] == running:
            self.history.seed(sources[:-1], raised=raised)
            self._hooks.joined_in(running)
        else:
            self.history.seed(sources, raised=raised)


def load_ipython_extension(shell: Any) -> None:
    """Idempotent: a second ``%load_ext`` changes nothing."""
    if getattr(shell, _ATTRIBUTE, None) is not None:
        return
    extension = Extension(shell)
    extension.load()
    setattr(shell, _ATTRIBUTE, extension)
    _register_others(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take out what :func:`load_ipython_extension` put in; runs that are open stay open."""
    extension = getattr(shell, _ATTRIBUTE, None)
    if extension is not None:
        extension.unload()
        setattr(shell, _ATTRIBUTE, None)


def history_of(shell: Any) -> History:
    """The cells that ``shell`` has executed. The extension must be loaded there."""
    extension: Extension | None = getattr(shell, _ATTRIBUTE, None)
    return extension.history if extension is not None else History()


def _register_others(shell: Any) -> None:
    from .submit import register

    register(shell, history_of(shell))


def _without_expansion(function: Any) -> Any:
    from IPython.core.magic import no_var_expand

    return no_var_expand(function)


def _track(shell: Any) -> Any:
    def track(line: str, cell: str) -> None:
        """Track what this cell does as a run.

        %%track [NAME] [-e EXPERIMENT] [-p NAME[=VALUE]]... [-m NAME]... [-t KEY=VALUE]...
                [--log-model NAME[=MODEL]]... [--no-auto]

        Recorded are the code, params (literals that the cell assigns, scalars and configs that it reads from
        earlier cells, arguments of estimators, and -p), metrics (numbers that it computes, histories of fits,
        its last value where that is a mapping of scalars, -m, and mlops.log(...)), fitted models by class and
        size, the files that it reads, everything it displays, its end, packages, git and the host.

        NAME             the run's name; quotes around one with spaces; {variable} is filled in
        -e EXPERIMENT    the experiment; by default the notebook's name
        -p NAME          the variable's value after the cell is a param; also a part of it: cfg.lr, cfg['lr']
        -p NAME:NEW      the same, by another name
        -p NAME=VALUE    a param: a Python literal, else a text
        -m NAME[:NEW]    the value after the cell is a metric; also a part of it: history.best
        -t KEY=VALUE     a tag
        --log-model NAME[=MODEL]   registers the variable as a model when the cell has run
        --no-auto        no params, metrics and models but those that are named or logged
        """
        # a cell that begins with %%track is rewritten and never gets here; run_cell_magic() does
        shell.run_cell(f"%%track {line}\n{cell}").raise_error()

    return track
