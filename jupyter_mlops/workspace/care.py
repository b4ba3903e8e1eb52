"""Looking after the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..services.doctor import Doctor
    from ..services.upkeep.service import UpkeepService
    from . import Workspace


def upkeep(workspace: Workspace) -> UpkeepService:
    """Garbage, checks, backups."""
    from ..services.upkeep.service import Parts, UpkeepService
    from ..store.upkeep import SqlRows, copy_sqlite, disown_unproved, problems_of_registry

    registry = workspace._registry_store
    return UpkeepService(
        workspace.settings,
        Parts(
            rows=lambda: SqlRows(lambda: workspace._registry_database, lambda: workspace._index_database),
            blobs=lambda: workspace.blobs,
            local=lambda: workspace._local_blobs,
            access=lambda: workspace.access,
            ingest=lambda: workspace.ingestor.ingest(),
            rebuild=lambda: workspace.runs.rebuild(),
            work=workspace._work,
            audit=lambda: registry.verify_audit(),
            note=lambda action, subject, detail: registry.record(
                action, subject, user=workspace.settings.user, detail=detail
            ),
            fetching=workspace._fetching,
            copy_database=copy_sqlite,
            check_registry=problems_of_registry,
            disown=disown_unproved,
            agent_runs=lambda: workspace.agent.status() is not None,
        ),
        clock=workspace.clock,
    )


def work(workspace: Workspace) -> list[tuple[str, float]]:
    """Runs and jobs that go on, of everybody, and when they began."""
    running = workspace.runs.search("status = 'running'", order_by="started", limit=1, total=False).runs
    found = [(f"run {run.id}", run.started_at) for run in running]
    return found + [(f"job {job.id}", job.spec.submitted_at) for job in workspace._job_store.open()]


def doctor(workspace: Workspace) -> Doctor:
    from ..services.doctor import Doctor

    return Doctor(workspace)
