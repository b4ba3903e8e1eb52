"""Which handler answers which address, below ``<base url>/jupyter-mlops/``. First match wins."""

from __future__ import annotations

from .audit import AccessHandler, AuditHandler
from .base import MlopsHandler
from .datasets import (
    CheckHandler,
    DatasetAliasHandler,
    DatasetHandler,
    DatasetMovesHandler,
    DatasetsHandler,
    DatasetVersionHandler,
    DiffHandler,
    ExpectationsHandler,
    ProfileHandler,
)
from .features import FeatureHandler, FeaturesHandler
from .gpus import GpusHandler
from .jobs import CancelHandler, JobHandler, JobLineageHandler, JobNotebookHandler, JobsHandler, LogHandler
from .lineage import ImpactHandler, LineageHandler
from .models import (
    AliasGatesHandler,
    AliasHandler,
    ApprovalHandler,
    CardHandler,
    GatesHandler,
    ModelHandler,
    ModelsHandler,
    ModelVersionHandler,
    MovesHandler,
    ReviewHandler,
    RollbackHandler,
)
from .notebooks import ParametersCellHandler, ParametersHandler
from .reproductions import ReproductionsHandler
from .run_files import (
    ArtifactHandler,
    CapturedHandler,
    CellsHandler,
    ExportHandler,
    OutputHandler,
    TableHandler,
)
from .runs import (
    CompareFiguresHandler,
    CompareHandler,
    CompareTableHandler,
    ExperimentsHandler,
    HistoriesHandler,
    HistoryHandler,
    ParallelHandler,
    RunHandler,
    RunLineageHandler,
    RunsHandler,
)
from .schedules import (
    PauseScheduleHandler,
    ResumeScheduleHandler,
    RunScheduleHandler,
    ScheduleHandler,
    SchedulesHandler,
)
from .status import StatusHandler, UnknownHandler
from .sweeps import CancelSweepHandler, SweepHandler, SweepsHandler
from .usage import UsageHandler

NAME = "([^/]+)"
"""One segment; Tornado unquotes it, so that a name may hold any character as ``%2F``."""

ROUTES: list[tuple[str, type[MlopsHandler]]] = [
    ("api/runs", RunsHandler),
    (f"api/runs/{NAME}", RunHandler),
    (f"api/runs/{NAME}/history", HistoryHandler),
    (f"api/runs/{NAME}/lineage", RunLineageHandler),
    (f"api/runs/{NAME}/artifacts/(.+)", ArtifactHandler),
    (f"api/runs/{NAME}/captured/{NAME}", CapturedHandler),
    (f"api/runs/{NAME}/cells", CellsHandler),
    (f"api/runs/{NAME}/outputs/{NAME}", OutputHandler),
    (f"api/runs/{NAME}/export", ExportHandler),
    (f"api/runs/{NAME}/reproductions", ReproductionsHandler),
    ("api/table", TableHandler),
    ("api/histories", HistoriesHandler),
    ("api/experiments", ExperimentsHandler),
    ("api/compare", CompareHandler),
    ("api/compare/table", CompareTableHandler),
    ("api/compare/figures", CompareFiguresHandler),
    ("api/compare/parallel", ParallelHandler),
    ("api/jobs", JobsHandler),
    (f"api/jobs/{NAME}", JobHandler),
    (f"api/jobs/{NAME}/cancel", CancelHandler),
    (f"api/jobs/{NAME}/log", LogHandler),
    (f"api/jobs/{NAME}/notebook", JobNotebookHandler),
    (f"api/jobs/{NAME}/lineage", JobLineageHandler),
    ("api/sweeps", SweepsHandler),
    (f"api/sweeps/{NAME}", SweepHandler),
    (f"api/sweeps/{NAME}/cancel", CancelSweepHandler),
    ("api/schedules", SchedulesHandler),
    (f"api/schedules/{NAME}", ScheduleHandler),
    (f"api/schedules/{NAME}/pause", PauseScheduleHandler),
    (f"api/schedules/{NAME}/resume", ResumeScheduleHandler),
    (f"api/schedules/{NAME}/run", RunScheduleHandler),
    ("api/notebooks/parameters", ParametersHandler),
    ("api/notebooks/parameters/cell", ParametersCellHandler),
    ("api/datasets", DatasetsHandler),
    (f"api/datasets/{NAME}", DatasetHandler),
    (f"api/datasets/{NAME}/diff", DiffHandler),
    (f"api/datasets/{NAME}/expectations", ExpectationsHandler),
    (f"api/datasets/{NAME}/versions/{NAME}", DatasetVersionHandler),
    (f"api/datasets/{NAME}/versions/{NAME}/profile", ProfileHandler),
    (f"api/datasets/{NAME}/versions/{NAME}/check", CheckHandler),
    (f"api/datasets/{NAME}/aliases/{NAME}", DatasetAliasHandler),
    (f"api/datasets/{NAME}/aliases/{NAME}/moves", DatasetMovesHandler),
    ("api/models", ModelsHandler),
    (f"api/models/{NAME}", ModelHandler),
    (f"api/models/{NAME}/versions/{NAME}", ModelVersionHandler),
    (f"api/models/{NAME}/versions/{NAME}/card", CardHandler),
    (f"api/models/{NAME}/versions/{NAME}/review", ReviewHandler),
    (f"api/models/{NAME}/versions/{NAME}/approvals/{NAME}", ApprovalHandler),
    (f"api/models/{NAME}/gates", GatesHandler),
    (f"api/models/{NAME}/gates/{NAME}", AliasGatesHandler),
    (f"api/models/{NAME}/aliases/{NAME}", AliasHandler),
    (f"api/models/{NAME}/aliases/{NAME}/moves", MovesHandler),
    (f"api/models/{NAME}/aliases/{NAME}/rollback", RollbackHandler),
    ("api/features", FeaturesHandler),
    (f"api/features/{NAME}", FeatureHandler),
    ("api/lineage", LineageHandler),
    ("api/impact", ImpactHandler),
    ("api/audit", AuditHandler),
    ("api/access", AccessHandler),
    ("api/usage", UsageHandler),
    ("api/gpus", GpusHandler),
    ("api/status", StatusHandler),
    ("api(?:/.*)?", UnknownHandler),
]
