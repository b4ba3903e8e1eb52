"""Where things come from and what became of them: runs, jobs, versions and their names as a graph."""

from .service import LineageService

__all__ = ["LineageService"]
