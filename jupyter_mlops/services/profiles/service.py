"""Profiles of dataset versions: known, being computed, or computed now."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ...config import Settings
from ...entities import DatasetVersion, Profile, ProfileStatus
from ...errors import MlopsError
from ...protocols.clock import Clock
from ...protocols.profiles import ProfileStore
from ..columnar.contents import Contents
from .background import MOST_ATTEMPTS, Request, Requests, locked
from .computing import FORMAT, compute

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProfileService:
    """Each content is looked at once, whatever its names, by one process of this host at a time."""

    store: ProfileStore
    contents: Callable[[], Contents]
    settings: Settings
    clock: Clock
    requests: Requests

    def of(self, reference: str, *, wait: bool = True) -> Profile:
        """The profile of a version; it is waited for, or computed now, unless ``wait`` is False.

        Then it is PENDING, and will be computed in the background. One that FAILED is tried again where it
        is waited for. Raises NotFound.
        """
        version = self.contents().dataset_version(reference)
        known = self.known(version.digest)
        if known is not None and (known.status is not ProfileStatus.FAILED or not wait):
            return known
        if wait:
            return self.compute(version)
        self.ensure(version)
        return Profile(digest=version.digest, status=ProfileStatus.PENDING)

    def known(self, digest: str) -> Profile | None:
        """What was computed before; None when nothing was."""
        return self.store.get(digest, format=FORMAT)

    def ensure(self, version: DatasetVersion) -> None:
        """Have it computed outside of this process, if nobody has. Raises OSError and Unavailable."""
        if self.known(version.digest) is None and version.version is not None:
            self.requests.add(version.digest, f"{version.name}@{version.version}")

    def compute(self, version: DatasetVersion, *, again: bool = True) -> Profile:
        """The profile, computed by this process unless another does just now; FAILED with the reason.

        ``again``: also when it has FAILED before.
        """
        with locked(self.requests.of(version.digest)):
            known = self.known(version.digest)
            if known is None or (again and known.status is ProfileStatus.FAILED):
                known = self._computed(version)
                self.store.put(known, format=FORMAT)
            self.requests.done(version.digest)
        return known

    def work(self) -> int:
        """Work the requests off, as the one process that does; how many there were."""
        worked = 0
        while True:
            with self.requests.seat() as mine:
                if not mine:
                    return worked
                while (request := self.requests.next()) is not None:
                    self._serve(request)
                    worked += 1
            if not self.requests.waiting():  # one that came when the seat was still taken
                return worked

    def _serve(self, request: Request) -> None:
        try:
            if request.attempts > MOST_ATTEMPTS:
                self._give_up(request)
            else:
                self.compute(self.contents().dataset_version(request.reference), again=False)
        except Exception:  # the next request may fare better; this one is asked for again when it is wanted
            logger.warning("No profile of %s", request.reference, exc_info=True)
        finally:
            self.requests.done(request.digest)

    def _give_up(self, request: Request) -> None:
        problem = (
            f"The process that looked at {request.reference} was killed {MOST_ATTEMPTS} times, maybe for "
            f"want of memory. Try it again with: jupyter mlops profile {request.reference}"
        )
        self.store.put(self._failed(request.digest, problem), format=FORMAT)

    def _computed(self, version: DatasetVersion) -> Profile:
        try:
            path = self.contents().dataset_content(version)
            return compute(version, path, scratch=self.settings.home / "cache" / "incoming")
        except MlopsError as error:
            return self._failed(version.digest, error.message)
        except (OSError, ValueError, MemoryError) as error:
            logger.warning("No profile of %s@%s", version.name, version.version, exc_info=True)
            return self._failed(version.digest, f"{type(error).__name__}: {error}")

    def _failed(self, digest: str, problem: str) -> Profile:
        return Profile(digest=digest, status=ProfileStatus.FAILED, problem=problem, computed_at=self.clock())
