"""How this package is installed: read from Jupyter's folders, without importing server or front end.

Where Jupyter looks: https://docs.jupyter.org/en/latest/use/jupyter-directories.html
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path, jupyter_path

from .._version import __version__
from ..entities import Check

EXTENSION = "jupyter_mlops"
LABEXTENSION = "jupyter-mlops"
REINSTALL = f"{sys.executable} -m pip install --force-reinstall --no-deps jupyter-mlops"
PROBE_TIMEOUT_S = 30


def package() -> Check:
    """Which version this is, and where."""
    where = Path(__file__).parent.parent
    python = ".".join(map(str, sys.version_info[:3]))
    message = f"jupyter-mlops {__version__} in {where}, Python {python} ({sys.executable})"
    return Check(name="package", ok=True, message=message)


def server_extension() -> Check:
    """Whether Jupyter servers of this Python load the extension.

    Later folders of the list give way to earlier ones; within a folder the ``.d`` files give way to
    the main file (jupyter_server's ``BaseJSONConfigManager``).
    """
    name, enabled, origin = "server extension", None, None
    for folder in map(Path, reversed(jupyter_config_path())):
        main = folder / "jupyter_server_config.json"
        for file in [*sorted((folder / "jupyter_server_config.d").glob("*.json")), main]:
            value = _at(_json(file), "ServerApp", "jpserver_extensions", EXTENSION)
            if value is not None:
                enabled, origin = bool(value), file
    if enabled:
        return Check(name=name, ok=True, message=f"enabled by {origin}")
    if origin:
        fix = f"jupyter server extension enable {EXTENSION}"
        return Check(name=name, ok=False, message=f"disabled by {origin}", fix=fix)
    return Check(name=name, ok=False, message="not enabled: no Jupyter configuration names it", fix=REINSTALL)


def lab_extension() -> Check:
    """Whether JupyterLab finds the sidebar, in this version, and has not disabled it."""
    name = "lab extension"
    found = [path for path in map(Path, jupyter_path("labextensions")) if (path / LABEXTENSION).is_dir()]
    if not found:
        return Check(
            name=name, ok=False, message="not installed: no share/jupyter/labextensions has it", fix=REINSTALL
        )
    folder = found[0] / LABEXTENSION
    manifest = _json(folder / "package.json")
    if not manifest:
        return Check(name=name, ok=False, message=f"{folder} has no package.json", fix=REINSTALL)
    if by := _disabled_by():
        fix = f"jupyter labextension enable {LABEXTENSION}"
        return Check(name=name, ok=False, message=f"disabled by {by}", fix=fix)
    if (version := manifest.get("version")) != __version__:
        message = f"{folder} is version {version}, the Python package {__version__}"
        return Check(name=name, ok=False, message=message, fix=REINSTALL)
    return Check(name=name, ok=True, message=f"{version} in {folder}")


def _disabled_by() -> Path | None:
    """The page configuration that disables the whole extension; one may list single plugins as well."""
    for folder in map(Path, jupyter_config_path()):
        file = folder / "labconfig" / "page_config.json"
        disabled = _json(file).get("disabledExtensions", {})
        if isinstance(disabled, list):
            disabled = dict.fromkeys(disabled, True)
        if isinstance(disabled, dict) and LABEXTENSION in disabled:
            return file if disabled[LABEXTENSION] else None
    return None


def kernels() -> Check:
    """Whether the default Python kernel has the package; kernels that lack it are named."""
    name = "kernels"
    found = dict(_python_kernels())
    versions = {path: _version_in(path) for path in set(found.values())}
    default = found.get("python3", sys.executable)
    lacking = sorted(kernel for kernel, path in found.items() if not versions[path])
    if default in versions and not versions[default]:
        message = f"the kernel python3 runs {default}, which has no jupyter-mlops"
        return Check(name=name, ok=False, message=message, fix=f"{default} -m pip install jupyter-mlops")
    text = f"python3 runs {default}" + (f" with {versions[default]}" if default in versions else "")
    if lacking:
        text += f"; without the package (pip install jupyter-mlops there to use it): {', '.join(lacking)}"
    return Check(name=name, ok=True, message=text)


def _python_kernels() -> Iterator[tuple[str, str]]:
    """Kernelspecs that start ``python -m ...``: their name and their interpreter."""
    from jupyter_client.kernelspec import KernelSpecManager

    for name, found in KernelSpecManager().get_all_specs().items():
        argv = found["spec"].get("argv") or [""]
        program = Path(argv[0]).name
        if "-m" not in argv or not program.startswith("python"):
            continue
        # jupyter_client takes its own interpreter where a bare name is given
        yield name, argv[0] if os.sep in argv[0] else sys.executable


def _version_in(interpreter: str) -> str | None:
    """The version that an interpreter imports, outside of any folder that shadows it; None without one."""
    if interpreter == sys.executable:
        return __version__
    code = f"import {EXTENSION}; print({EXTENSION}.__version__)"
    try:
        ran = subprocess.run(
            [interpreter, "-c", code], capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, cwd=os.sep
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout.strip() or None if ran.returncode == 0 else None


def _json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _at(tree: Mapping[str, Any], *keys: str) -> Any:
    value: Any = tree
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
