"""A job's worker: ``python -m jupyter_mlops.worker JOB_FOLDER ATTEMPT [--leases FD,FD]``.

It is the attempt's only one, runs the notebook as a run, sees to the limits and to being stopped, and
leaves nothing running. What it has to say lies in the attempt's folder; ``exit.json`` comes last.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .capture.notebook_file import shareable
from .capture.processes import current_process
from .capture.redact import redact_text
from .config import JOB
from .entities import Cause, Exit, JobSpec, JobStatus, Kept, RunKind, RunStatus, Started, new_id
from .errors import MlopsError
from .protocols.jobs import ANOTHER_WORKER, Custody
from .services.files.manifest import at_unpacked
from .services.jobs.capped_log import CappedLog
from .services.jobs.causes import cause_of, cause_of_exception
from .services.jobs.environment import kernel_command, kernel_environment
from .services.jobs.folder import Attempt, JobFolder
from .services.jobs.watch import StopRequest, Watch
from .services.submission.words import LOCAL
from .services.tracking import pruning
from .workspace import Workspace, current

if TYPE_CHECKING:
    from .notebooks.execution import Outcome
    from .services.tracking.tracker import RunWriter

NOTEBOOK_TYPE = "application/x-ipynb+json"
KEEP = "__import__('jupyter_mlops.magics.result_file', fromlist=['_']).keep_returned({names!r})"
"""Run in the kernel, where it must leave no name behind."""
JOB_STATUS = {
    RunStatus.FINISHED: JobStatus.SUCCEEDED,
    RunStatus.FAILED: JobStatus.FAILED,
    RunStatus.CANCELLED: JobStatus.CANCELLED,
}
ENDED_EARLY = (RunStatus.FAILED, RunStatus.CANCELLED)

logger = logging.getLogger("jupyter_mlops.worker")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one attempt. The exit status is 0 however the notebook ended: ``exit.json`` says that."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    given = _parse(arguments)
    if given.staged:
        return _run_staged(given.staged, given.attempt)
    folder = JobFolder(given.folder)
    attempt = folder.attempt(given.attempt)
    if attempt.started() is not None or attempt.exit() is not None:
        return _give_way(attempt)
    spec, workspace = folder.spec(), current()
    stop = StopRequest(workspace.settings.cancel_grace_s)
    stop.listen(workspace.terminated(attempt.path, attempt.log))
    custody = workspace.custody(spec.id, given.leases)
    run_id = new_id(time.time())
    if not attempt.begin(_introduction(run_id)):
        return _give_way(attempt)
    custody.take()  # only now: the leases may be those of the worker that was first
    end = _run(workspace, folder, attempt, spec, run_id, stop, custody)
    if end.status is not JobStatus.FAILED:  # else another attempt may need it: who decides that forgets it
        folder.forget_environment()
    custody.finish()
    if folder.exists():
        attempt.finish(end)
    if not workspace.agent.wake() and (spec.executors or [spec.executor]) == [LOCAL]:
        _have_an_agent(workspace)
    return 0


def _have_an_agent(workspace: Workspace) -> None:
    """It was killed: jobs may wait for another. Nothing that goes wrong here is this job's."""
    try:
        workspace.jobs.refresh()
    except (MlopsError, OSError) as error:
        logger.warning("The queue cannot be looked at: %s", error)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlops.worker", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("attempt", type=int)
    parser.add_argument("--leases", type=lambda text: [int(each) for each in text.split(",")], default=[])
    parser.add_argument("--staged", metavar="URL", help="the job's folder, behind a URL")
    given = parser.parse_args(arguments)
    if (given.folder is None) == (given.staged is None):
        parser.error("give the job's folder or --staged URL")
    return given


def _run_staged(url: str, attempt: int) -> int:
    """Be the attempt's other half, which has a worker of its own."""
    from .services.jobs.staged import StagedWorker

    if JOB in os.environ:  # what kills a job's processes finds them by that, and this is none of them
        environment = {name: value for name, value in os.environ.items() if name != JOB}
        command = [sys.executable, "-m", "jupyter_mlops.worker", "--staged", url, str(attempt)]
        os.execve(sys.executable, command, environment)
    workspace = current()
    workspace.take_output()
    return StagedWorker(
        url, attempt, custody_of=lambda job_id: workspace.custody(job_id, ()), settings=workspace.settings
    ).run()


def _give_way(attempt: Attempt) -> int:
    print(f"Another worker has begun this attempt already, as {attempt.path} says.", file=sys.stderr)
    return ANOTHER_WORKER


def _introduction(run_id: str) -> Started:
    gpus = [each for each in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if each]
    return Started(process=current_process(), run_id=run_id, started_at=time.time(), gpus=gpus)


def _run(
    workspace: Workspace,
    folder: JobFolder,
    attempt: Attempt,
    spec: JobSpec,
    run_id: str,
    stop: StopRequest,
    custody: Custody,
) -> Exit:
    """The notebook as a run, and how it ended; whatever goes wrong here is an end, too."""
    watch = Watch(spec, workspace.settings, attempt, stop, custody)
    watch.start()
    try:
        spec = at_unpacked(spec, folder.path, attempt.path / "work")
        run = _begin(workspace, spec, run_id)
        status, reason, cause = _track(run, folder, attempt, spec, stop, watch)
    except Exception as error:  # a worker always says how it ended
        logger.exception("The worker failed")
        status, cause = JobStatus.FAILED, cause_of_exception(error)
        reason = f"the worker failed: {type(error).__name__}: {error}"
    finally:
        used = watch.finish()
    return Exit(status=status, ended_at=time.time(), reason=reason, cause=cause, used=used)


def _begin(workspace: Workspace, spec: JobSpec, run_id: str) -> RunWriter:
    """The run; what surrounds a promoted notebook is captured by its submitted cell."""
    os.chdir(spec.cwd)
    run = workspace.tracker.start(
        run_id=run_id,
        name=spec.name,
        experiment=spec.experiment,
        kind=RunKind.JOB,
        notebook=spec.notebook,
        job_id=spec.id,
        sweep_id=spec.sweep_id,
        parent_id=spec.parent_run_id,
        surroundings=not spec.promoted,
    )
    run.log_params(spec.params, source="parameters")
    run.tag(spec.tags)
    return run


def _track(
    run: RunWriter, folder: JobFolder, attempt: Attempt, spec: JobSpec, stop: StopRequest, watch: Watch
) -> tuple[JobStatus, str, Cause | None]:
    """Execute the notebook and end the run as it ended."""
    if spec.trial is not None:
        pruning.allow(attempt.path)
    try:
        outcome = _execute(folder, attempt, spec, run, stop)
        cause = stop.cause
        if outcome.status is RunStatus.FAILED and not stop.made:
            outcome, cause = _with_cause(outcome, watch)
        if pruning.has_obeyed(attempt.path):
            outcome, cause = _pruned(run, pruning.asked(attempt.path) or "pruned"), Cause.PRUNED
        if attempt.output.exists():
            run.log_bytes("output.ipynb", shareable(attempt.output.read_bytes()), media_type=NOTEBOOK_TYPE)
    except Exception as error:
        run.end(RunStatus.FAILED, reason=f"the worker failed: {type(error).__name__}: {error}")
        raise
    run.end(outcome.status, reason=outcome.reason, error=outcome.error)
    return JOB_STATUS[outcome.status], outcome.reason or "", cause if outcome.status in ENDED_EARLY else None


def _with_cause(outcome: Outcome, watch: Watch) -> tuple[Outcome, Cause]:
    """A failure that nobody had wished for: the system may have killed the kernel for want of memory."""
    killed = outcome.error is None and "SIGKILL" in (outcome.reason or "")
    if reason := watch.out_of_memory(killed=killed):
        return replace(outcome, reason=reason), Cause.MEMORY
    return outcome, cause_of(outcome.error)


def _pruned(run: RunWriter, reason: str) -> Outcome:
    """A pruned trial is that, whatever the cell made of the exception: its value is not to be compared."""
    from .notebooks.execution import Outcome

    run.tag({"pruned": "true"})
    return Outcome(status=RunStatus.CANCELLED, reason=reason)


def _execute(
    folder: JobFolder, attempt: Attempt, spec: JobSpec, run: RunWriter, stop: StopRequest
) -> Outcome:
    from .notebooks.papermill_import import import_papermill

    import_papermill()
    from .notebooks.execution import ExecutionHandle, KernelChoice, execute_notebook

    handle = ExecutionHandle()
    stop.attach(handle)
    log = CappedLog.of(attempt.log, current().settings)
    return execute_notebook(
        folder.input,
        attempt.output,
        recorder=run,
        kernel=KernelChoice(name=spec.kernel_name, argv=kernel_command(spec, sys.executable)),
        environment=kernel_environment(os.environ, spec, run_id=run.id),
        cwd=Path(spec.cwd),
        log=lambda text: log.write(redact_text(text).encode("utf-8", "replace")),
        handle=handle,
        epilogue=KEEP.format(names=spec.returns) if spec.returns else "",
        epilogue_failed=lambda problem: _not_kept(attempt, spec, problem),
    )


def _not_kept(attempt: Attempt, spec: JobSpec, problem: str) -> None:
    attempt.note_returned([Kept(name=name, kind="", problem=problem) for name in spec.returns])


if __name__ == "__main__":
    sys.exit(main())
