"""What happens when a dataset is registered or loaded: expectations are looked at, a profile is asked for."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path

from ...entities import CheckReport, DatasetVersion, ExpectationResult, Severity
from ...errors import ExpectationsFailed, ExpectationWarning, MlopsError, Unavailable
from ..profiles.service import ProfileService
from .service import ExpectationService

FRAMES_TO_USER = 6
"""From here through the guard, both services and the API to the line that a warning is about."""

logger = logging.getLogger(__name__)


class ContentGuard:
    """A ``DatasetGuard``. Where the registry cannot be reached it lets everything pass."""

    def __init__(self, expectations: ExpectationService, profiles: ProfileService, *, profile: bool) -> None:
        self._expectations = expectations
        self._profiles = profiles
        self._profile = profile
        self._warned: set[tuple[str, str, str]] = set()

    def registering(self, version: DatasetVersion, content: Callable[[], Path]) -> None:
        try:
            report = self._report(version, content)
        except Unavailable:
            return  # the version stays pending, in the run's journal
        self._judge(report, version, "is not registered")

    def registered(self, version: DatasetVersion) -> None:
        if not self._profile:
            return
        try:
            self._profiles.ensure(version)
        except (MlopsError, OSError):
            logger.debug("No profile of %s was asked for", version.name, exc_info=True)

    def loading(self, version: DatasetVersion, content: Callable[[], Path]) -> None:
        self._judge(self._report(version, content), version, "is not loaded")

    def _report(self, version: DatasetVersion, content: Callable[[], Path]) -> CheckReport | None:
        known = self._expectations.store.report(version.name, version.digest)
        if known is not None:
            return known
        if not self._expectations.store.all(version.name):
            return None
        return self._expectations.checked(version, content)

    def _judge(self, report: CheckReport | None, version: DatasetVersion, outcome: str) -> None:
        broken = [each for each in report.results if not each.passed] if report is not None else []
        refusing = [each for each in broken if each.severity is Severity.REFUSE]
        said = _said(version)
        if refusing:
            raise ExpectationsFailed(
                f"{said} {outcome}: {_reasons(refusing)} Correct the data, or say what is expected anew: "
                f"jupyter_mlops.expectations({version.name!r}) lists it."
            )
        key = (version.name, version.digest, outcome)
        if broken and key not in self._warned:
            self._warned.add(key)
            warnings.warn(ExpectationWarning(f"{said}: {_reasons(broken)}"), stacklevel=FRAMES_TO_USER)


def _said(version: DatasetVersion) -> str:
    number = "" if version.version is None else f"@{version.version}"
    return f"Dataset {version.name + number!r}"


def _reasons(broken: list[ExpectationResult]) -> str:
    return " ".join(f"[{each.name}] {each.message}" for each in broken)
