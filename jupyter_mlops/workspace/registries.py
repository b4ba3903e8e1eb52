"""Datasets, feature views and models, and who decides about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..services.access import AccessService
    from ..services.audit import AuditService
    from ..services.cards.service import CardService
    from ..services.diffs.service import DiffService
    from ..services.exchange.reading import ModelImporter
    from ..services.exchange.writing import ModelExporter
    from ..services.expectations.guard import ContentGuard
    from ..services.expectations.service import ExpectationService
    from ..services.features.service import FeatureService
    from ..services.profiles.service import ProfileService
    from ..services.promotion.service import PromotionService
    from ..services.registry.service import RegistryService
    from . import Workspace


def registry(workspace: Workspace) -> RegistryService:
    from ..services.registry.service import RegistryService

    return RegistryService(
        workspace._registry_store,
        workspace.blobs,
        workspace.settings,
        recorder=lambda: workspace.tracker.reader(),
        replaying=lambda: workspace.tracker.replaying,
        access=workspace.access,
        # where the registry has travelled to no alias moves: at home, when it is applied
        gatekeeper=lambda: None if workspace._travelled is not None else workspace.promotion,
        # nor are there expectations
        guard=lambda: None if workspace._travelled is not None else workspace._guard,
        clock=workspace.clock,
    )


def profiles(workspace: Workspace) -> ProfileService:
    """What contents are like."""
    from ..services.profiles.background import Requests
    from ..services.profiles.service import ProfileService
    from ..store.profiles import SqlProfileStore

    return ProfileService(
        SqlProfileStore(lambda: workspace._registry_database),
        contents=lambda: workspace.registry,
        settings=workspace.settings,
        clock=workspace.clock,
        requests=Requests(workspace.settings),
    )


def diffs(workspace: Workspace) -> DiffService:
    """What differs between versions of datasets."""
    from ..services.diffs.service import DiffService

    return DiffService(lambda: workspace.registry, workspace.blobs, workspace.settings)


def expectations(workspace: Workspace) -> ExpectationService:
    """What contents of datasets must be like."""
    from ..services.expectations.service import ExpectationService
    from ..store.expectations import SqlExpectationStore

    return ExpectationService(
        SqlExpectationStore(lambda: workspace._registry_database, clock=workspace.clock),
        contents=lambda: workspace.registry,
        settings=workspace.settings,
        access=lambda: workspace.access,
        clock=workspace.clock,
    )


def guard(workspace: Workspace) -> ContentGuard:
    from ..services.expectations.guard import ContentGuard

    return ContentGuard(
        workspace.expectations, workspace.profiles, profile=bool(workspace.settings.profile_when_registered)
    )


def features(workspace: Workspace) -> FeatureService:
    """Feature views."""
    from ..services.features.service import FeatureService
    from ..store.features import SqlFeatureStore
    from ..store.online import SqlOnlineStore

    def run_id() -> str | None:
        run = workspace.tracker.reader()
        return None if run is None or run.ended else run.id

    return FeatureService(
        SqlFeatureStore(workspace._features_database, clock=workspace.clock),
        SqlOnlineStore(lambda: workspace._online_database),
        workspace.registry,
        workspace.settings,
        run_id=run_id,
        replaying=lambda: workspace.tracker.replaying,
        access=workspace.access,
        clock=workspace.clock,
    )


def promotion(workspace: Workspace) -> PromotionService:
    """Gates of aliases, approvals and reviews."""
    from ..services.promotion.service import PromotionService
    from ..store.promotion import SqlPromotionStore

    return PromotionService(
        SqlPromotionStore(lambda: workspace._registry_database, clock=workspace.clock),
        workspace._registry_store,
        workspace.blobs,
        workspace.settings,
        registry=lambda: workspace.registry,
        runs=lambda: workspace.runs,
        expectations=lambda: workspace.expectations,
        diffs=lambda: workspace.diffs,
        access=workspace.access,
        replaying=lambda: workspace.tracker.replaying,
        clock=workspace.clock,
    )


def cards(workspace: Workspace) -> CardService:
    """What is known of model versions, and what people wrote of them."""
    from ..services.cards.service import CardService

    return CardService(lambda: workspace.registry, lambda: workspace.runs, lambda: workspace.profiles)


def model_exports(workspace: Workspace) -> ModelExporter:
    from ..services.exchange.writing import ModelExporter
    from ..store.profiles import SqlProfileStore

    return ModelExporter(
        store=workspace._registry_store,
        blobs=workspace.blobs,
        settings=workspace.settings,
        access=workspace.access,
        runs=lambda: workspace.runs,
        exports=lambda: workspace.exports,
        cards=lambda: workspace.cards,
        profiles=SqlProfileStore(lambda: workspace._registry_database),
        clock=workspace.clock,
    )


def model_imports(workspace: Workspace) -> ModelImporter:
    from ..services.exchange.reading import ModelImporter
    from ..store.profiles import SqlProfileStore

    return ModelImporter(
        store=workspace._registry_store,
        blobs=workspace.blobs,
        settings=workspace.settings,
        access=workspace.access,
        imports=lambda: workspace.imports,
        profiles=SqlProfileStore(lambda: workspace._registry_database),
    )


def access(workspace: Workspace) -> AccessService:
    """Who may do what."""
    from ..config import DEFAULT_ACCESS
    from ..services.access import REFUSED, AccessService

    path = workspace.settings.access
    # where the registry has travelled to nothing is decided: at home, when it is applied
    return AccessService(
        Path(path),
        needed=path != DEFAULT_ACCESS and workspace._travelled is None,
        note=lambda user, action, subject, why: workspace._registry_store.record(
            REFUSED, subject, user=user, detail={"action": action, "why": why}
        ),
    )


def audit_trail(workspace: Workspace) -> AuditService:
    """Who decided what."""
    from ..services.audit import AuditService
    from ..store.audit import SqlAuditStore

    return AuditService(SqlAuditStore(lambda: workspace._registry_database), clock=workspace.clock)
