"""What ``--ray-NAME VALUE`` says."""

from __future__ import annotations

import difflib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...config import is_dashboard
from ...errors import InvalidInput

NAMES = ("address", "env", "num-cpus", "pip", "python", "resources", "runtime-env")
OTHER_PYTHON = ("pip", "uv", "conda", "container", "image_uri")
"""Fields of a runtime environment that bring a Python of their own."""
UPLOADED = ("working_dir", "py_modules")
"""Fields of a runtime environment that Ray's own client uploads when they name a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RayOptions:
    """``runtime_env`` as Ray's documentation has it; ``python`` is the nodes' interpreter."""

    address: str | None = None
    resources: Mapping[str, float] = field(default_factory=dict)
    cpus: float | None = None
    runtime_env: Mapping[str, Any] = field(default_factory=dict)
    python: str | None = None


def read_options(given: Mapping[str, str], *, cwd: Path) -> RayOptions:
    """Raises InvalidInput for an unknown name or a value of the wrong form."""
    for name in given:
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, n=1)
            hint = f" Did you mean --ray-{near[0]}?" if near else ""
            known = ", ".join(f"--ray-{each}" for each in NAMES)
            raise InvalidInput(f"Ray has no option --ray-{name}.{hint} There are: {known}.")
        if not given[name].strip():
            raise InvalidInput(f"--ray-{name} needs a value.")
    return RayOptions(
        address=address_of(given["address"], "--ray-address") if "address" in given else None,
        resources=_resources(given["resources"]) if "resources" in given else {},
        cpus=_number("--ray-num-cpus", given["num-cpus"]) if "num-cpus" in given else None,
        runtime_env=_runtime_env(given, cwd),
        python=given.get("python"),
    )


def address_of(text: str, where: str) -> str:
    """The address of a dashboard. Raises InvalidInput for those of other servers of Ray."""
    if not is_dashboard(text):
        raise InvalidInput(
            f"{where} must be the address of the Ray dashboard, such as http://127.0.0.1:8265, not {text!r}."
        )
    return text.rstrip("/")


def _runtime_env(given: Mapping[str, str], cwd: Path) -> dict[str, Any]:
    environment = _json_of(given["runtime-env"], cwd) if "runtime-env" in given else {}
    if "pip" in given:
        if "pip" in environment:
            raise InvalidInput("--ray-pip and the pip field of --ray-runtime-env exclude each other.")
        environment["pip"] = shlex.split(given["pip"])
    if "env" in given:
        named = dict(_pair("--ray-env", each) for each in shlex.split(given["env"]))
        environment["env_vars"] = {**(environment.get("env_vars") or {}), **named}
    for name in UPLOADED:
        value = environment.get(name) or []
        for each in [value] if isinstance(value, str) else value:
            if "://" not in str(each):
                raise InvalidInput(
                    f"{name} of --ray-runtime-env must be a URL (https://, s3://, gs://), not {each!r}: "
                    "files of this machine reach the job by the shared file system or by staging."
                )
    return environment


def _json_of(text: str, cwd: Path) -> dict[str, Any]:
    """JSON, or the path of a file that holds it."""
    try:
        source = text if text.lstrip().startswith("{") else (cwd / Path(text).expanduser()).read_text()
        value = json.loads(source)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"--ray-runtime-env must be JSON or a file of it, not {text!r}: {error}."
        ) from error
    if not isinstance(value, dict):
        raise InvalidInput(f'--ray-runtime-env must be an object such as {{"pip": ["torch"]}}, not {text!r}.')
    return value


def _resources(text: str) -> dict[str, float]:
    """``TPU=1,big=0.5``."""
    found = dict(_pair("--ray-resources", each.strip()) for each in text.split(",") if each.strip())
    for name in found:
        if name in ("CPU", "GPU", "memory"):
            flag = {"CPU": "--cpus", "GPU": "--gpus", "memory": "--memory"}[name]
            raise InvalidInput(f"--ray-resources is for custom resources; ask for {name} by {flag}.")
    return {name: _number(f"--ray-resources {name}", value) for name, value in found.items()}


def _pair(flag: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise InvalidInput(f"{flag} wants NAME=VALUE, not {text!r}.")
    return name, value


def _number(flag: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise InvalidInput(f"{flag} must be a number that is not negative, not {text!r}.")
    return value
