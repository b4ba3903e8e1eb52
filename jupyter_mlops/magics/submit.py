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
from .place import notebook_path
from .refusals import BadArguments, without_traceback

if TYPE_CHECKING:
    from .submit_options import SubmitOptions

EXPANDED = re.compile(r"\{([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\}|\$([A-Za-z_]\w*)")


def register(shell: Any, history: History) -> None:
    """Add the magics to a shell; ``history`` has the cells that it executed."""
    shell.register_magics(SubmitMagics(shell, history))


@magics_class
class SubmitMagics(Magics):
    """Batch jobs from cells and notebooks."""

    def __init__(self, shell: Any, history: History) -> None:
        super().__init__(shell)
        self._history = history

    @no_var_expand  # IPython would take -p x={'a': 1} for a variable
    @line_cell_magic
    def submit(self, line: str, cell: str | None = None) -> Any:
        """Run this cell as a batch job, after the cells that were executed so far; or a whole notebook.

        %%submit [NAME] [--gpus N] [--cpus N] [--memory 8G] [--time 2h] [-p NAME=VALUE | NAME=V1,V2]...
                 [--priority N] [--retries N] [--after JOB]... [--on local] [--dry-run] [--wait]
        %submit NOTEBOOK.ipynb [the same flags]

        -p overrides a literal that the cells assign; several values make a sweep, one job each. The value
        is the Job (or Sweep): wait(), result, logs(), cancel(). --dry-run shows what would run; --wait
        waits, and fails when a job fails.
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
        from ..api import job_handle
        from ..notebooks.readable import as_text
        from ..services.jobs.origin import Origin
        from ..workspace import current

        submission = current().submission
        if cell is None:
            path = Path(options.subject or "")
            submit = partial(submission.submit_notebook, path)
            dry_run = partial(submission.dry_run_notebook, path)
            origin = Origin.here()
        else:
            cells = self._history.cells()
            namespace = self.shell.user_ns if self.shell else None
            submit = partial(submission.submit_cell, cells, cell, namespace=namespace)
            dry_run = partial(submission.dry_run_cell, cells, cell, namespace=namespace)
            # the cells are replayed, and with them the kernel's changes of its directory
            cwd = getattr(self.shell, "starting_dir", None)
            origin = Origin.here(cwd=cwd, notebook=notebook_path(self.shell))
        if options.dry_run:
            print(as_text(dry_run(origin=origin, request=options.request)))
            return None
        submitted = submit(origin=origin, request=options.request)
        for each in submitted.left_out:
            print(f"Left out of the job: {each}.")
        for each in submitted.notes:
            print(f"Note: {each}")
        handle = job_handle(submitted)
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
