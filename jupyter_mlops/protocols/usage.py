"""Where ended attempts are kept."""

from __future__ import annotations

from typing import Protocol

from ..entities import EndedAttempt, JobStatus, OpenCount, Totals


class AttemptStore(Protocol):
    """The rows of all attempts that have ended; the job store adds them as it follows the folders."""

    def add(self, attempt: EndedAttempt) -> None:
        """Keep it; one that is there already stays as it is."""
        ...

    def of_notebook(
        self, *, user: str, name: str, notebook: str | None, status: JobStatus | None = None, limit: int = 10
    ) -> list[EndedAttempt]:
        """A user's attempts of that name and notebook, newest first."""
        ...

    def since(self, time: float, *, user: str | None = None) -> list[EndedAttempt]:
        """All that ended after ``time``, oldest first."""
        ...

    def totals(self) -> list[Totals]:
        """Sums over all attempts ever, by user, executor and status."""
        ...

    def open_jobs(self) -> list[OpenCount]:
        """The jobs that have not ended, counted by executor and status."""
        ...
