"""Jobs: where they run, what they take along, what they used."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ..entities import Cause, RunStatus
    from ..protocols.jobs import Custody, Executor, Machine
    from ..services.jobs.agent_control import AgentControl
    from ..services.jobs.service import JobService
    from ..services.registry.travelling import Travelling
    from ..services.schedules.loop import ScheduleLoop
    from ..services.schedules.service import ScheduleService
    from ..services.submission.planning import Carrying
    from ..services.submission.service import SubmissionService
    from ..services.sweeps.loop import SweepLoop
    from ..services.sweeps.service import SweepService
    from ..services.usage.gauges import GaugeReader
    from ..services.usage.service import UsageService
    from ..services.usage.sizing import Sizing
    from . import Workspace


def executors(workspace: Workspace) -> Mapping[str, Executor]:
    """All places where jobs can run, by name; each is made when it is first asked for."""
    from ..executors.registry import Executors

    return Executors(workspace.settings)


def quotas(workspace: Workspace) -> str:
    """What users of this machine may have of its GPUs, in words. Raises InvalidInput for a bad file."""
    from ..executors.quotas import in_words, read_quotas

    return in_words(read_quotas(Path(workspace.settings.quotas)))


def machine(workspace: Workspace) -> Machine:
    """This machine, whose queue the agent keeps."""
    return cast("Machine", workspace.executors["local"])


def jobs(workspace: Workspace) -> JobService:
    from ..services.jobs.service import JobService

    return JobService(
        workspace._job_store,
        workspace.settings,
        executors=workspace.executors,
        runs=workspace.runs,
        agent=workspace.agent,
        access=workspace.access,
        elsewhere=lambda job_id: workspace.elsewhere.home_of("job", job_id),
        settle_run=lambda *end: workspace.tracker.settle(*end),
        clock=workspace.clock,
    )


def sweeps(workspace: Workspace) -> SweepService:
    from ..services.sweeps.service import SweepService
    from ..store.index_location import studies_path

    return SweepService(
        workspace._sweep_store,
        workspace.jobs,
        workspace.runs,
        workspace.settings,
        study_path=studies_path(workspace.settings.home),
        clock=workspace.clock,
    )


def sweep_loop(workspace: Workspace) -> SweepLoop:
    """The agent's loop over the sweeps; Optuna is imported when it meets a search."""
    from ..services.sweeps.loop import SweepLoop, capacity_of
    from ..services.sweeps.opening import study_of

    path = workspace.sweeps.study_path
    return SweepLoop(
        workspace._sweep_store,
        workspace.jobs.for_agent(),
        workspace.runs,
        workspace.settings,
        open_study=lambda spec: study_of(spec, path),
        capacity=lambda spec: capacity_of(spec, workspace.executors),
        shared_home=workspace.home_is_shared,
    )


def schedules(workspace: Workspace) -> ScheduleService:
    from ..services.schedules.service import ScheduleService

    return ScheduleService(
        workspace._schedule_store, workspace.jobs, workspace.settings, clock=workspace.clock
    )


def schedule_loop(workspace: Workspace) -> ScheduleLoop:
    """The agent's loop over the schedules."""
    from ..services.schedules.loop import ScheduleLoop

    return ScheduleLoop(
        workspace._schedule_store, workspace.jobs, workspace.settings, shared_home=workspace.home_is_shared
    )


def agent(workspace: Workspace) -> AgentControl:
    from ..services.jobs.agent_control import AgentControl

    return AgentControl(workspace.settings)


def home_is_shared(workspace: Workspace) -> bool:
    """Whether other hosts may use the same home folder."""
    from ..store.index_location import locate

    return locate(workspace.settings.home).aside


def keeps_memory_limits(workspace: Workspace) -> bool:
    """Whether the system keeps local jobs to their memory here; else their workers watch it."""
    from ..executors.cgroups import can_limit_memory

    return can_limit_memory()


def custody(workspace: Workspace, job_id: str, lease_fds: Sequence[int]) -> Custody:
    """What the worker of a local job holds on to."""
    from ..executors.custody import Custody

    return Custody(job_id, user=workspace.settings.user, lease_fds=lease_fds)


def terminated(
    workspace: Workspace, attempt: Path, log: Path
) -> Callable[[], tuple[RunStatus, str, Cause]] | None:
    """What SIGTERM stands for in the worker of an attempt; None where only the queue sends it."""
    if "SLURM_JOB_ID" not in os.environ:
        return None
    from ..executors.slurm.inside import terminated

    return terminated(attempt, log, os.environ)


def take_output(workspace: Workspace) -> None:
    """Take what a cluster writes of this worker out of sight, where nothing else would do that."""
    if "SLURM_JOB_ID" in os.environ:
        from ..executors.slurm.inside import take_output

        take_output(os.environ)


def submission(workspace: Workspace) -> SubmissionService:
    from ..services.submission.service import SubmissionService

    return SubmissionService(
        workspace.jobs,
        workspace.settings,
        tracker=workspace.tracker,
        sweeps=lambda: workspace.sweeps,
        schedules=lambda: workspace.schedules,
        executors=workspace.executors,
        sizing=lambda: workspace.sizing,
        machine=lambda: workspace.machine,
        carrying=workspace._carrying,
        shares_files=workspace.jobs.shares_files,
        recorded=workspace._recorded_reads,
        registered=workspace._registered_reads,
        clock=workspace.clock,
    )


def recorded_reads(workspace: Workspace, sources: Sequence[str], notebook: str | None) -> list[str]:
    from ..services.files.recorded import recorded_reads

    return recorded_reads(workspace.runs, sources, notebook)


def registered_reads(workspace: Workspace, sources: Sequence[str]) -> tuple[Travelling, list[str]]:
    """The datasets and models that go along with code to where there is no registry."""
    from ..remote.folder import reaches_elsewhere
    from ..services.registry.travelling import plan

    return plan(
        sources,
        workspace.registry,
        workspace.blobs,
        bring=not reaches_elsewhere(workspace.settings.blobs),
        most_bytes=workspace.settings.files_cap_bytes,
    )


def carrying(workspace: Workspace) -> Carrying:
    from ..services.carrying.service import Carrying

    return Carrying(workspace.blobs, workspace.settings)


def sizing(workspace: Workspace) -> Sizing:
    """What past runs say of the next one."""
    from ..services.usage.sizing import Sizing

    return Sizing(workspace._attempt_store)


def usage(workspace: Workspace) -> UsageService:
    """What jobs have held and used."""
    from ..entities import JobStatus
    from ..services.jobs.folder import JobFolder
    from ..services.usage.service import MOST_RUNNING, UsageService

    return UsageService(
        workspace._attempt_store,
        lambda: workspace._job_store.search(status=JobStatus.RUNNING, limit=MOST_RUNNING),
        used_so_far=lambda job: JobFolder.of(workspace.settings.home, job.id).attempt(job.attempt).used(),
        clock=workspace.clock,
    )


def gauges(workspace: Workspace) -> GaugeReader:
    """The state of the queue and of the GPUs, for a monitoring system."""
    from ..services.usage.gauges import AgentGauge, GaugeReader

    def agent() -> AgentGauge:
        status = workspace.agent.status()
        if status is None:
            return AgentGauge(running=False)
        return AgentGauge(
            running=True,
            turn_s=status.turn_s if status.turned_at else None,
            turned_at=status.turned_at or None,
        )

    return GaugeReader(workspace._attempt_store, lambda: workspace.machine, agent, clock=workspace.clock)
