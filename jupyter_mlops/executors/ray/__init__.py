"""Jobs on a Ray cluster, through its Jobs REST API: this side needs no ray package."""

from .executor import RayExecutor

__all__ = ["RayExecutor"]
