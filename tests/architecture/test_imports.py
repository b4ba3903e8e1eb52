"""What an import loads: kernels that only track stay light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import jupyter_mlops
from jupyter_mlops import entities
from jupyter_mlops.warm import modules as warm_modules

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
    "numpy",
    "duckdb",
    "sklearn",
    "torch",
}
WITH_EXTENSION = {
    "jupyter_mlops",
    "jupyter_mlops._version",
    "jupyter_mlops.capture",
    "jupyter_mlops.capture.history",
    "jupyter_mlops.capture.loaded",
    "jupyter_mlops.errors",
    "jupyter_mlops.magics",
    "jupyter_mlops.magics.cells",
    "jupyter_mlops.magics.completion",
    "jupyter_mlops.magics.header",
    "jupyter_mlops.magics.mlops_magic",
    "jupyter_mlops.magics.refusals",
    "jupyter_mlops.magics.submit",
    "jupyter_mlops.magics.track",
    "jupyter_mlops.magics.transform",
    "jupyter_mlops.notebooks",
    "jupyter_mlops.notebooks.ahead",
    "jupyter_mlops.services",
    "jupyter_mlops.services.quantities",
    "jupyter_mlops.widgets",
}
"""All of ours that ``%load_ext`` may import: every kernel pays for it, also one that never tracks anything."""
SHELL = "from IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell.instance()\n"
LOADED = SHELL + "shell.run_line_magic('load_ext', 'jupyter_mlops')\n"


def modules_after(code: str, tmp_path: Path, *, path: Path | None = None) -> set[str]:
    """What a new process has imported after ``code``; it looks for modules at ``path`` first."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    environment = {
        "JUPYTER_MLOPS_HOME": str(tmp_path / "mlops"),
        "JUPYTER_MLOPS_RUNTIME": str(tmp_path / "runtime"),
        "JUPYTER_MLOPS_LEASES": str(tmp_path / "leases"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        **({} if path is None else {"PYTHONPATH": str(path)}),
    }
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


def ours(loaded: set[str], below: str = "") -> set[str]:
    return {name for name in loaded if name.startswith(f"jupyter_mlops{below}")}


def test_importing_the_package_loads_nothing_else(tmp_path: Path) -> None:
    loaded = modules_after("import jupyter_mlops", tmp_path)
    assert ours(loaded) == {"jupyter_mlops", "jupyter_mlops._version"}


def test_logging_from_a_script_loads_what_it_needs_of_the_api_and_no_data_frames(tmp_path: Path) -> None:
    code = "import jupyter_mlops as mlops\nwith mlops.track('t'):\n    mlops.log(loss=1.0, step=1)"
    loaded = modules_after(code, tmp_path)
    assert loaded & HEAVY == set()
    assert ours(loaded, ".api") == {"jupyter_mlops.api", "jupyter_mlops.api.tracking"}
    assert ours(loaded, ".entities.") == {"jupyter_mlops.entities.ids", "jupyter_mlops.entities.runs"}


def test_loading_the_extension_loads_few_modules_and_no_entity(tmp_path: Path) -> None:
    new = modules_after(LOADED, tmp_path) - modules_after(SHELL, tmp_path)
    assert new & HEAVY == set()
    assert ours(new) - WITH_EXTENSION == set()


def test_a_tracked_cell_loads_no_job_and_no_registry(tmp_path: Path) -> None:
    cell = "shell.run_cell('%%track -e x\\nlr = 0.1', store_history=True).raise_error()"
    new = modules_after(LOADED + cell, tmp_path) - modules_after(SHELL, tmp_path)
    assert new & HEAVY == set()
    assert ours(new, ".entities.") == {"jupyter_mlops.entities.ids", "jupyter_mlops.entities.runs"}
    assert "jupyter_mlops.services.jobs.folder" not in new


def test_a_model_of_scikit_learn_is_stored_without_importing_torch(tmp_path: Path) -> None:
    pytest.importorskip("skops")
    for library in ("torch", "cupy", "dask"):
        (tmp_path / "path" / library).mkdir(parents=True)
        (tmp_path / "path" / library / "__init__.py").touch()
    code = (
        "import sys\nfrom pathlib import Path\nfrom sklearn.linear_model import LinearRegression\n"
        "from jupyter_mlops.services.registry.flavours.skops import Skops\n"
        "model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])\n"
        f"saved = Skops().save(model, Path({str(tmp_path)!r}))\n"
        "assert Skops().load(saved.path, trusted=False).coef_.shape == (1,)\n"
        "assert None not in [each for name, each in sys.modules.items() if 'array_api_compat' in name]"
    )
    loaded = modules_after(code, tmp_path, path=tmp_path / "path")
    assert "sklearn.ensemble" in loaded
    assert loaded & {"torch", "cupy", "dask"} == set()


@pytest.mark.parametrize("name", [name for name in jupyter_mlops.__all__ if name != "__version__"])
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    assert getattr(jupyter_mlops, name).__doc__


def test_the_public_names_are_sorted() -> None:
    assert jupyter_mlops.__all__ == sorted(jupyter_mlops.__all__) == dir(jupyter_mlops)


def test_type_checkers_see_the_public_names_where_they_are_looked_up() -> None:
    tree = ast.parse(Path(jupyter_mlops.__file__).read_text())
    imports = [
        node
        for branch in tree.body
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
    ]
    seen = {alias.asname: (node.module, alias.name) for node in imports for alias in node.names}
    assert seen == {name: (home, name) for name, home in jupyter_mlops._HOMES.items()}


@pytest.mark.parametrize("package", [jupyter_mlops, entities])
def test_a_name_that_is_none_is_refused_as_by_any_module(package: object) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Zeppelin'"):
        package.Zeppelin  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(package, "_repr_html_")


FUNCTIONS = {
    "ids": {"derived_id", "is_id", "new_id", "short_id"},
    "runs": {"number_text", "reference_text"},
}


@pytest.mark.parametrize(
    "module", [each.name for each in iter_modules(entities.__path__) if each.name != "upkeep"]
)
def test_every_entity_is_imported_from_the_package(module: str) -> None:
    home = import_module(f"jupyter_mlops.entities.{module}")
    functions = FUNCTIONS.get(module, set())
    classes = {
        name
        for name, value in vars(home).items()
        if isinstance(value, type) and value.__module__ == home.__name__ and not name.startswith("_")
    }
    assert {name for name, its in entities._HOMES.items() if its == module} == classes | functions
    for name in classes | functions:
        assert getattr(entities, name) is getattr(home, name)


def test_all_entities_can_be_had_at_once() -> None:
    found: dict[str, object] = {}
    exec("from jupyter_mlops.entities import *", found)
    assert set(entities.__all__) == set(dir(entities)) == set(found) - {"__builtins__"}


def test_an_entity_loads_its_module_only(tmp_path: Path) -> None:
    loaded = modules_after("from jupyter_mlops.entities import VersionRef", tmp_path)
    assert ours(loaded, ".entities") == {"jupyter_mlops.entities", "jupyter_mlops.entities.runs"}


def test_a_module_of_entities_that_a_forked_kernel_forgets_is_not_remembered_by_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "jupyter_mlops.entities.usage"
    forgotten = import_module(name)
    monkeypatch.setattr(warm_modules, "_forgotten", [])
    monkeypatch.setitem(sys.modules, name, forgotten)
    monkeypatch.setattr(entities, "usage", forgotten)
    before = entities.Totals
    warm_modules._forget(name)
    assert entities.Totals is import_module(name).Totals is not before
