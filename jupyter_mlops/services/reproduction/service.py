"""Starting reproductions as batch jobs, and reporting on them."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...capture.reads.digests import Changed, Stamp, hash_file
from ...config import PINS, Settings
from ...entities import (
    DataRead,
    DatasetVersion,
    Job,
    JobStatus,
    ModelVersion,
    Reproduction,
    Resources,
    RunDetail,
    RunStatus,
    short_id,
)
from ...errors import Conflict, NotFound
from ...protocols.blobs import BlobStore
from ..jobs.origin import Origin
from .judging import DEFAULT_TOLERANCE, Tolerance, check_tolerance, metric_matches, reasons_of
from .recipe import Recipe, recipe_of

if TYPE_CHECKING:
    from ..jobs.service import JobService
    from ..registry.service import RegistryService
    from ..runs.service import RunService
    from ..submission.service import SubmissionService

TAG = "reproduces"
MOST_JOBS = 1000
NOTES = "reproduction.json"
"""What was known beforehand, in the job's folder."""


class ReproductionService:
    """Makes runs again, each as a job that is tagged with the run that it reproduces."""

    def __init__(
        self,
        runs: RunService,
        jobs: JobService,
        submission: SubmissionService,
        registry: RegistryService,
        blobs: BlobStore,
        settings: Settings,
    ) -> None:
        self._runs, self._jobs, self._submission = runs, jobs, submission
        self._registry, self._blobs, self._settings = registry, blobs, settings

    def start(
        self,
        run_id: str,
        *,
        tolerance: Tolerance = DEFAULT_TOLERANCE,
        resources: Resources | None = None,
        executor: str = "local",
    ) -> Reproduction:
        """Queue the job. Raises NotFound, Ambiguous, Conflict for a run that goes on, and InvalidInput for
        one that cannot be made again.
        """
        check_tolerance(tolerance)
        detail = self._runs.detail(run_id)
        if detail.run.status is RunStatus.RUNNING:
            raise Conflict(f"Run {short_id(detail.run.id)} is still running: reproduce it when it has ended.")
        recipe = recipe_of(detail, blobs=self._blobs, artifacts=self._runs, settings=self._settings)
        self._check_carried(recipe)
        pins = self._pins(detail)
        warnings = [*recipe.warnings, *self._data_warnings(detail), *_ending_warning(detail)]
        job = self._submit(detail, recipe, pins, resources, executor)
        self._keep(job, {"tolerance": tolerance, "warnings": warnings, "left_out": recipe.left_out})
        return self.report(job.id)

    def report(self, job_id: str, *, tolerance: Tolerance | None = None) -> Reproduction:
        """How a reproduction stands. Raises NotFound for a job that is none."""
        job = self._jobs.get(job_id)
        original_id = job.spec.tags.get(TAG)
        if original_id is None:
            raise NotFound(f"Job {short_id(job.id)} reproduces no run.")
        notes = self._notes(job)
        given: Tolerance = notes.get("tolerance", DEFAULT_TOLERANCE) if tolerance is None else tolerance
        check_tolerance(given)
        report = Reproduction(
            run_id=original_id,
            job_id=job.id,
            verdict="running",
            tolerance=_widest(given),
            reproduced_run_id=job.run_id,
            warnings=notes.get("warnings", []),
            left_out=notes.get("left_out", []),
        )
        if not job.status.ended:
            return report
        if job.run_id is None:
            return replace(report, verdict="failed", reason=job.reason or job.status.value)
        return self._judged(report, job, given)

    def reports(self, run_id: str) -> list[Reproduction]:
        """All reproductions of a run, newest first. Raises NotFound, Ambiguous."""
        whole = self._runs.get(run_id).id
        jobs = [job for job in self._jobs.search(limit=MOST_JOBS) if job.spec.tags.get(TAG) == whole]
        return [self.report(job.id) for job in jobs]

    def wait(self, job_id: str, *, timeout_s: float | None = None) -> Reproduction:
        """The report once the job has ended. Raises WaitTimeout."""
        self._jobs.wait([job_id], timeout_s=timeout_s)
        return self.report(job_id)

    # ------------------------------------------------------------ starting
    def _submit(
        self,
        detail: RunDetail,
        recipe: Recipe,
        pins: Mapping[str, int],
        resources: Resources | None,
        executor: str,
    ) -> Job:
        from ...notebooks.kernels import KernelChoice, launcher

        here = Origin.here(cwd=recipe.cwd, notebook=detail.run.notebook, experiment=detail.run.experiment)
        environment = {**here.environment, PINS: json.dumps(dict(pins))}
        origin = replace(
            here,
            interpreter=recipe.interpreter,
            kernel_argv=launcher(recipe.interpreter),
            python_path=list(dict.fromkeys([*recipe.python_path, *here.python_path])),
            environment=environment,
        )
        spec = recipe.spec
        kernel = KernelChoice(name=origin.kernel_name, argv=origin.kernel_argv)
        if spec is not None and spec.kernel_argv is None:
            kernel = KernelChoice(name=spec.kernel_name, argv=None)
        return self._submission.submit_prepared(
            recipe.notebook,
            name=recipe.name,
            origin=origin,
            kernel=kernel,
            params=recipe.params,
            promoted=recipe.promoted,
            tags={TAG: detail.run.id},
            resources=resources or (spec.resources if spec is not None else None),
            executor=executor,
            carried=spec.carried if spec is not None else (),
            returns=spec.returns if spec is not None else (),
        )

    def _check_carried(self, recipe: Recipe) -> None:
        """Raise NotFound when what the job carried is not there any more."""
        carried = recipe.spec.carried if recipe.spec is not None else ()
        if gone := [each.name for each in carried if not self._blobs.exists(each.digest)]:
            raise NotFound(
                f"The job carried {', '.join(gone)}, whose blobs are gone: submit its cell again from a "
                "kernel that has them, and reproduce that run."
            )

    def _pins(self, detail: RunDetail) -> dict[str, int]:
        """The versions that names stood for: those that the run read, else the newest when it began."""
        datasets, models = self._registry.datasets(), self._registry.models()
        found = [(f"dataset {each.name}", each) for dataset in datasets for each in dataset.versions]
        seen = [(f"model {each.name}", each) for model in models for each in model.versions]
        pins = _newest([*found, *seen], detail.run.started_at)
        aliases = {each.name: each.aliases for each in models}
        for read in detail.inputs:
            if read.version is not None:
                pins[f"{read.kind} {read.name}"] = read.version
                if read.kind == "model":
                    pins |= {f"model {read.name}@{each}": read.version for each in aliases.get(read.name, ())}
        return pins

    def _data_warnings(self, detail: RunDetail) -> list[str]:
        found = []
        for read in {each.uri: each for each in detail.data}.values():
            if not os.path.isabs(read.uri) or not read.digest or read.files is not None:
                continue
            if (digest := self._digest(read)) is None:
                found.append(f"changed data: {read.uri} cannot be read any more")
            elif digest != read.digest:
                found.append(f"changed data: {read.uri} has another content than the run read")
        return found

    def _digest(self, read: DataRead) -> str | None:
        try:
            stamp = Stamp.of(os.stat(read.uri))
            above = self._settings.digest_whole_bytes if not read.sampled else 0
            return hash_file(read.uri, stamp, sample_above=above).digest
        except (OSError, Changed):
            return None

    def _keep(self, job: Job, notes: Mapping[str, Any]) -> None:
        path = self._settings.home / "jobs" / job.id / NOTES
        with suppress(OSError):  # a full disk: the report is without them
            path.write_text(json.dumps(notes), encoding="utf-8")

    def _notes(self, job: Job) -> dict[str, Any]:
        try:
            found = json.loads((self._settings.home / "jobs" / job.id / NOTES).read_bytes())
        except (OSError, ValueError):  # the folder is another host's, or was deleted
            return {}
        return found if isinstance(found, dict) else {}

    # ------------------------------------------------------------ reporting
    def _judged(self, report: Reproduction, job: Job, tolerance: Tolerance) -> Reproduction:
        assert job.run_id is not None
        original, again = self._runs.detail(report.run_id), self._runs.detail(job.run_id)
        comparison = self._runs.compare(original.run.id, again.run.id)
        history = original.context.get("history")
        unseeded = list(history.get("unseeded") or ()) if isinstance(history, Mapping) else []
        marker = "no seed decides what is drawn: "
        unseeded += [each.removeprefix(marker) for each in report.warnings if each.startswith(marker)]
        reasons = reasons_of(
            original,
            again,
            data=comparison.data,
            unseeded=list(dict.fromkeys(unseeded)),
            used=_imported(original.source),
        )
        metrics = metric_matches(original, again, tolerance)
        report = replace(report, metrics=metrics, reasons=reasons)
        if job.status is not JobStatus.SUCCEEDED:
            return replace(report, verdict="failed", reason=job.reason or job.status.value)
        if any(each.matches is False for each in metrics):
            return replace(report, verdict="differs")
        nothing = "" if any(each.matches for each in metrics) else "it has no metric that could be compared"
        return replace(report, verdict="reproduced", reason=nothing)


def _newest(versions: Iterable[tuple[str, DatasetVersion | ModelVersion]], moment: float) -> dict[str, int]:
    """The newest version of each name at a moment."""
    found: dict[str, int] = {}
    for name, each in versions:
        if each.version is not None and each.created_at <= moment:
            found[name] = max(each.version, found.get(name, 0))
    return found


def _ending_warning(detail: RunDetail) -> list[str]:
    run = detail.run
    if run.status is RunStatus.FINISHED:
        return []
    why = f" ({run.status_reason})" if run.status_reason else ""
    return [f"the run itself ended as {run.status.value}{why}"]


def _widest(tolerance: Tolerance) -> float:
    if isinstance(tolerance, Mapping):
        return float(max(tolerance.values(), default=DEFAULT_TOLERANCE))
    return float(tolerance)


def _imported(source: str) -> set[str]:
    """The packages that code imports, as far as it parses."""
    try:
        nodes = list(
            ast.walk(ast.parse("\n".join(line for line in source.splitlines() if line[:1] not in "%!")))
        )
    except (SyntaxError, ValueError):
        return set()
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0].lower() for name in names}
