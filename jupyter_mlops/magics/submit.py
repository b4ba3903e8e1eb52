"""``%%submit`` and ``%submit NOTEBOOK.ipynb``: a cell, or a notebook, as a batch job.

``%%submit`` is a real cell magic: its body is not run here.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from ..capture.history import History
from ..errors import MlopsError
from .refusals import BadArguments, without_traceback

if TYPE_CHECKING:
    from ..services.submission.plan import Told
    from .submit_options import SubmitOptions

ALONE = re.compile(r"\s*%%submit\b")
EXPANDED = re.compile(r"\{([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\}|\$([A-Za-z_]\w*)")


def register(shell: Any, history: History) -> None:
    """Add the magics to a shell; ``history`` has the cells that it executed."""
    shell.register_magics(SubmitMagics(shell, history))
    if with_body not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(with_body)


def with_body(lines: list[str]) -> list[str]:
    """A ``%%submit`` that stands alone gets a blank line: IPython refuses a cell magic without a body, and
    proposes the line magic, which takes a notebook.
    """
    code = [line for line in lines if line.strip()]
    return [*lines, "\n"] if len(code) == 1 and ALONE.match(code[0]) else lines


@magics_class
class SubmitMagics(Magics):
    """Batch jobs from cells and notebooks."""

    def __init__(self, shell: Any, history: History) -> None:
        super().__init__(shell)
        self._history = history

    @no_var_expand  # IPython would take -p x={'a': 1} for a variable
    @line_cell_magic
    def submit(self, line: str, cell: str | None = None) -> Any:
        """Run this cell as a batch job, after the cells that it needs; or a whole notebook.

        %%submit [NAME] [--gpus N | 0.5] [--gpu-memory 6G] [--cpus N] [--memory 8G] [--time 2h]
                 [-p NAME=VALUE | NAME=V1,V2 | NAME=loguniform(a,b)]... [--carry NAME,...] [--return NAME,...]
                 [--trials N --goal maximize:METRIC] [--sampler tpe|random|cmaes|grid]
                 [--pruner median|hyperband] [--seed N] [--parallel N]
                 [--priority N] [--retries N] [--retry-on memory,node] [--retry-delay 30s]
                 [--after JOB]... [--after-any JOB]... [--on local,slurm,ray] [--slurm-NAME VALUE]...
                 [--cron '0 3 * * *'] [--timezone Europe/Berlin] [--catch-up latest|skip|all]
                 [--overlap skip|allow]
                 [--include GLOB]... [--exclude GLOB]... [--whole] [--dry-run] [--wait]
        %submit NOTEBOOK.ipynb [--name NAME] [--write-parameters] [the same flags]

        Only the executed cells that this cell depends on are replayed; --whole replays all, and --dry-run
        shows the notebook with the reason for each cell.

        -p overrides a literal that these cells assign; several values make a sweep, one job each; with
        --trials, values are searched for in uniform(0,1), loguniform(1e-5,1e-1), int(1,8) or choice(a,b).
        --carry sends objects as they are, in place of the code that made them; --return keeps variables for
        job.namespace(NAME). The value is the Job (or Sweep): wait(), result, logs(), cancel(). --wait waits,
        and fails when a job fails.

        --gpus 0.5 shares a GPU with another job when the memory of both fits. --on local,slurm takes the
        first that can start it now. --after waits for a job's success, --after-any for its end. --retry-on
        takes error, memory, gpu-memory, time, idle, killed, node and start. --cron makes a schedule: nothing
        runs now, and the agent queues a job like this one each time; the value is the Schedule.
        """
        from .submit_options import parse_submit  # %load_ext stays quick without it

        try:
            options = parse_submit(self._expanded(line), cell=cell is not None)
            return self._submit(options, cell)
        except BadArguments:
            raise
        except MlopsError as error:
            raise without_traceback(error)  # noqa: B904  the traceback is what is not shown

    def _submit(self, options: SubmitOptions, cell: str | None) -> Any:
        from ..api.submitting import job_handle
        from ..services.jobs.origin import Origin
        from ..workspace import current
        from .place import notebook_path

        submission = current().submission
        namespace = self.shell.user_ns if self.shell else None
        if cell is None:
            path, origin = Path(options.subject or ""), Origin.here()
            submit = partial(submission.submit_notebook, path)
            dry_run = partial(submission.dry_run_notebook, path)
        else:
            cells = self._history.cells()
            submit = partial(submission.submit_cell, cells, cell)
            dry_run = partial(submission.dry_run_cell, cells, cell)
            # the cells are replayed, and with them the kernel's changes of its directory
            cwd = getattr(self.shell, "starting_dir", None)
            origin = Origin.here(cwd=cwd, notebook=notebook_path(self.shell))
        if options.dry_run:
            print(dry_run(origin=origin, request=options.request, namespace=namespace).text)
            return None

        def tell(told: Told) -> None:
            for each in told.lines(whole=options.request.whole):
                print(each, flush=True)

        handle = job_handle(submit(origin=origin, request=options.request, namespace=namespace, tell=tell))
        return _waited_for(handle) if options.wait else handle

    def _expanded(self, line: str) -> str:
        """``{name}``, ``{name.attribute}`` and ``$name`` as their values, where there is such a variable."""
        namespace = self.shell.user_ns if self.shell else {}

        def value(match: re.Match[str]) -> str:
            name, *attributes = (match[1] or match[2]).split(".")
            if name not in namespace:
                return match[0]
            found = namespace[name]
            for attribute in attributes:
                if not hasattr(found, attribute):
                    raise BadArguments(f"{match[0]}: {type(found).__name__!r} object has no {attribute!r}.")
                found = getattr(found, attribute)
            return str(found)

        return EXPANDED.sub(value, line)


def _waited_for(handle: Any) -> Any:
    """The handle once all has ended. Raises JobFailed when a job did not succeed."""
    handle.wait()
    print(repr(handle))
    handle.raise_for_status()
    return handle
