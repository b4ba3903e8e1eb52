"""What an import loads: kernels that only track stay light."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_mlops

HEAVY = {
    "sqlalchemy",
    "alembic",
    "pandas",
    "pyarrow",
    "papermill",
    "nbformat",
    "optuna",
    "jupyter_server",
    "tornado",
    "rich",
}


def modules_after(code: str, tmp_path: Path) -> set[str]:
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    environment = {"JUPYTER_MLOPS_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment,
    )
    return set(json.loads(result.stdout.splitlines()[-1]))


def test_importing_the_package_loads_nothing_else(tmp_path: Path) -> None:
    loaded = modules_after("import jupyter_mlops", tmp_path)
    assert {name for name in loaded if name.startswith("jupyter_mlops")} == {
        "jupyter_mlops",
        "jupyter_mlops._version",
    }


def test_logging_from_a_script_loads_no_database_and_no_data_frames(tmp_path: Path) -> None:
    code = "import jupyter_mlops as mlops\nwith mlops.track('t'):\n    mlops.log(loss=1.0, step=1)"
    assert modules_after(code, tmp_path) & HEAVY == set()


def test_loading_the_extension_loads_no_database_and_no_data_frames(tmp_path: Path) -> None:
    bare = "from IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell.instance()\n"
    code = bare + "shell.run_line_magic('load_ext', 'jupyter_mlops')"
    assert (modules_after(code, tmp_path) - modules_after(bare, tmp_path)) & HEAVY == set()


@pytest.mark.parametrize("name", [name for name in jupyter_mlops.__all__ if name != "__version__"])
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    assert getattr(jupyter_mlops, name).__doc__


def test_the_public_names_are_sorted_and_the_same_for_type_checkers() -> None:
    assert jupyter_mlops.__all__ == sorted(jupyter_mlops.__all__)
    from jupyter_mlops import api

    offered = {
        name for name in jupyter_mlops.__all__ if name not in ("MlopsError", "TrialPruned", "__version__")
    }
    assert offered <= set(api.__all__)
