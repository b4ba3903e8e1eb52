"""Runs: tracking, reading, sealing, exporting."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import MlopsError, Unsupported
from ..protocols.sealing import RUN

if TYPE_CHECKING:
    from pathlib import Path

    from ..entities import VersionRef
    from ..journal.records import Register
    from ..services.lineage import LineageService
    from ..services.reproduction.service import ReproductionService
    from ..services.runs.export.reading import RunImporter
    from ..services.runs.export.writing import RunExporter
    from ..services.runs.ingest import Ingestor
    from ..services.runs.service import RunService
    from ..services.sealing.elsewhere import Elsewhere
    from ..services.sealing.sealer import Sealer
    from ..services.tracking.tracker import Tracker
    from . import Workspace


def tracker(workspace: Workspace) -> Tracker:
    """Raises Unsupported in a subinterpreter that cannot load what journals are written with."""
    try:
        from ..services.tracking.tracker import Tracker
    except ImportError as error:
        if "subinterpreter" not in str(error):
            raise
        raise Unsupported(
            f"No run can be tracked from a subinterpreter here ({error}). Return the values and log them "
            "in the main interpreter, or use a ThreadPoolExecutor or a ProcessPoolExecutor."
        ) from error

    return Tracker(workspace.settings, workspace.blobs, clock=workspace.clock)


def ingestor(workspace: Workspace) -> Ingestor:
    from ..services.runs.ingest import Ingestor
    from ..store.index_location import locate

    return Ingestor(
        workspace.settings,
        workspace.index,
        apply_registration=workspace._apply_registration,
        several_indexes=not workspace.settings.database and locate(workspace.settings.home).aside,
        sealing=workspace.sealing,
        clock=workspace.clock,
    )


def runs(workspace: Workspace) -> RunService:
    from ..services.runs.service import RunService

    return RunService(
        workspace.index,
        workspace.ingestor,
        workspace.blobs,
        workspace.settings,
        recognise=workspace._datasets_of_digests,
        file_name_of=workspace._dataset_file_name,
        elsewhere=workspace.elsewhere,
        access=workspace.access,
        clock=workspace.clock,
    )


def sealing(workspace: Workspace) -> Sealer | None:
    """Sees to it that colleagues find in the blobs what only lies in this home."""
    if workspace._seals is None:
        return None
    from ..services.sealing.sealer import Sealer

    return Sealer(workspace._seals, workspace.blobs, workspace.settings, clock=workspace.clock)


def elsewhere(workspace: Workspace) -> Elsewhere:
    from ..services.sealing.elsewhere import Elsewhere

    return Elsewhere(workspace._seals, workspace.blobs, workspace.settings)


def apply_registration(workspace: Workspace, key: str, record: Register, run_id: str, user: str) -> int:
    """What an imported run registered is the registration of who took it in, whatever name it brings.

    That a run was imported says a mark in its folder: here, or as its home has sealed it.
    """
    from ..journal.layout import IMPORTED
    from ..services.runs.export.origin import as_registered_here, origin_in

    folder: Path | None = workspace.settings.home / "runs" / run_id
    if folder is not None and not folder.exists():
        folder = workspace.elsewhere.folder_with(RUN, run_id, IMPORTED)
    origin = None if folder is None else origin_in(folder)
    if origin is None:
        return workspace.registry.apply(key, record, run_id, user)
    store = workspace._registry_store
    mine = as_registered_here(origin, run_id, record, is_known=lambda: store.applied(key) is not None)
    return workspace.registry.apply(key, mine, run_id, origin.get("by") or workspace.settings.user)


def exports(workspace: Workspace) -> RunExporter:
    from ..services.runs.export.writing import RunExporter

    return RunExporter(
        workspace.runs,
        workspace.blobs,
        workspace.settings,
        job_notebook=lambda job_id: workspace.jobs.output_notebook(job_id),
        elsewhere=workspace.elsewhere,
        clock=workspace.clock,
    )


def imports(workspace: Workspace) -> RunImporter:
    from ..services.runs.export.reading import RunImporter

    return RunImporter(
        workspace.runs,
        workspace.blobs,
        workspace.settings,
        access=workspace.access,
        clock=workspace.clock,
    )


def datasets_of_digests(workspace: Workspace, digests: Collection[str]) -> Mapping[str, Sequence[VersionRef]]:
    """The registered datasets with these contents; who only reads runs makes no registry for that."""
    if not workspace.settings.database and not (workspace.settings.home / "registry.sqlite").exists():
        return {}
    return workspace.registry.datasets_of_digests(digests)


def dataset_file_name(workspace: Workspace, ref: VersionRef) -> str:
    """What the file of a dataset version is called; empty where it is not known here, or is pending."""
    from ..entities import reference_text

    try:
        found = workspace.registry.dataset_version(reference_text(ref))
    except MlopsError:
        return ""
    return found.file_name if found.digest == ref.digest else ""


def reproduction(workspace: Workspace) -> ReproductionService:
    from ..services.reproduction.service import ReproductionService

    return ReproductionService(
        workspace.runs,
        workspace.jobs,
        workspace.submission,
        workspace.registry,
        workspace.blobs,
        workspace.settings,
    )


def lineage(workspace: Workspace) -> LineageService:
    from ..services.lineage import LineageService
    from ..store.lineage_registry import SqlRegistryLinks
    from ..store.lineage_runs import SqlRunLinks

    return LineageService(
        workspace.runs,
        workspace.jobs,
        run_links=SqlRunLinks(workspace._index_database),
        registry_links=SqlRegistryLinks(lambda: workspace._registry_database),
        refresh=workspace.ingestor.ingest,
    )
