"""``jupyter mlops demo``: the quickstart notebook, headless, and what came of it."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import time
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from ..config import GPU_SLOTS, HOME
from ..entities import Job, JobStatus, ModelVersion, Run, RunKind, short_id
from ..errors import MissingPackage, MlopsError, NotFound, Unsupported
from ..services.quantities import duration_text
from ..services.rows import job_row, model_row, run_row
from ..services.showing.registered import MODELS
from ..workspace import Workspace, current, use
from .demo_run import Execution, execute
from .jobs import print_jobs
from .runs import print_runs
from .tables import console, print_json, print_table

NOTEBOOK = "quickstart.ipynb"
PACKAGES = {"matplotlib": "matplotlib", "sklearn": "scikit-learn"}
INSTALL = f"{sys.executable} -m pip install 'jupyter-mlops[examples]'"
SLOTS = 2
LEAST_JOBS = 4
MODEL, ALIAS = "digits", "champion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What the demo left in the workspace, oldest first."""

    runs: list[Run]
    jobs: list[Job]
    champion: ModelVersion | None


def demo(arguments: Namespace) -> int:
    """``jupyter mlops demo``. Raises MlopsError, after the tables, when anything failed."""
    check_platform()
    check_packages()
    notebook = find_notebook()
    workspace = _workspace_with_slots(quiet=arguments.json)
    with tempfile.TemporaryDirectory(prefix="jupyter-mlops-demo-") as folder:
        kept = arguments.keep_output
        output = Path(kept).expanduser().absolute() if kept else Path(folder, NOTEBOOK)
        execution = execute(workspace, notebook, output, Path(folder), quiet=arguments.json)
    harvest = gather(workspace, execution)
    problems = problems_of(execution, harvest)
    if arguments.json:
        _print_json(harvest, arguments, problems)
    else:
        _print_tables(harvest, arguments, execution)
    if problems:
        raise MlopsError("The demo failed.\n" + "\n".join(f"- {problem}" for problem in problems))
    return 0


def check_platform() -> None:
    """Raise Unsupported where no jobs can run."""
    if sys.platform == "win32":
        raise Unsupported(
            "The demo submits batch jobs, which Windows cannot run. Run it on Linux, macOS or in WSL; "
            "%%track and the sidebar work on Windows too."
        )


def check_packages() -> None:
    """Raise MissingPackage, with the command that helps, unless the notebook's packages are there."""
    missing = [name for module, name in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise MissingPackage(f"The demo needs {' and '.join(missing)}. Install with: {INSTALL}")


def find_notebook() -> Path:
    """The quickstart notebook: inside an installed package, else beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    candidates = [package / "examples" / NOTEBOOK, package.parent / "examples" / NOTEBOOK]
    for path in candidates:
        if path.is_file():
            return path
    looked = " and ".join(str(path.parent) for path in candidates)
    raise NotFound(f"No {NOTEBOOK} in {looked}. Reinstall the package: {INSTALL}")


def _workspace_with_slots(*, quiet: bool) -> Workspace:
    """The workspace; where no GPU is found, with virtual slots for this process and all it starts."""
    slots = current().jobs.slots()
    if slots and not slots[0].virtual:
        message = f"GPUs: {', '.join(slot.name for slot in slots)}."
    else:
        if not slots:
            os.environ[GPU_SLOTS] = str(SLOTS)
            use(None)
        message = f"No GPU found: {len(slots) or SLOTS} virtual slots stand in for GPUs ({GPU_SLOTS})."
    if not quiet:
        console().print(message)
    return current()


def gather(workspace: Workspace, execution: Execution) -> Harvest:
    """The notebook's run with all below it, the jobs that it submitted, and the model they led to."""
    jobs = execution.jobs(workspace)
    runs = execution.runs(workspace, jobs)
    try:
        model = workspace.registry.model(MODEL)
    except NotFound:
        return Harvest(runs=runs, jobs=jobs, champion=None)
    version = model.aliases.get(ALIAS)
    champion = next((each for each in model.versions if each.version == version), None)
    return Harvest(runs=runs, jobs=jobs, champion=champion)


def problems_of(execution: Execution, harvest: Harvest) -> list[str]:
    """What is not as it should be; empty after a good demo."""
    problems = [execution.error] if execution.error else []
    for job in harvest.jobs:
        if job.status is not JobStatus.SUCCEEDED:
            why = f": {job.reason}" if job.reason else ""
            log = f"jupyter mlops logs {short_id(job.id)}"
            problems.append(f"job {short_id(job.id)} ({job.spec.name}) {job.status.value}{why}. See: {log}")
    succeeded = sum(job.status is JobStatus.SUCCEEDED for job in harvest.jobs)
    if succeeded < LEAST_JOBS:
        problems.append(f"{succeeded} jobs succeeded; the sweep has {LEAST_JOBS}")
    for run in harvest.runs:
        if run.status.value != "finished" and run.kind is RunKind.CELL:
            problems.append(f"run {short_id(run.id)} ({run.name}) {run.status.value}")
    if harvest.champion is None:
        problems.append(f"no model {MODEL} has the alias {ALIAS}")
    elif harvest.champion.run_id not in {run.id for run in harvest.runs}:
        problems.append(f"{MODEL}@{ALIAS} was not registered by this demo")
    return problems


def _print_json(harvest: Harvest, arguments: Namespace, problems: list[str]) -> None:
    print_json(
        {
            "ok": not problems,
            "runs": [run_row(run) for run in harvest.runs],
            "jobs": [job_row(job) for job in harvest.jobs],
            "champion": model_row(harvest.champion) if harvest.champion else None,
            "see": how_to_see(arguments.home),
        }
    )


def _print_tables(harvest: Harvest, arguments: Namespace, execution: Execution) -> None:
    out = console()
    print_runs(harvest.runs)
    if harvest.jobs:
        print_jobs(harvest.jobs)
    if harvest.champion:
        print_table("Champion", tuple(MODELS.of_versions), MODELS.cells([harvest.champion]))
    if arguments.keep_output:
        out.print(f"The executed notebook: {arguments.keep_output}")
    out.print(f"It took {duration_text(time.time() - execution.began)}.")
    out.print(f"See it all in the sidebar: {how_to_see(arguments.home)}", style="bold")


def how_to_see(home: str | None) -> str:
    """The command that opens the sidebar on the demo's workspace."""
    import shlex

    return (
        f"{HOME}={shlex.quote(str(Path(home).expanduser().absolute()))} jupyter lab"
        if home
        else "jupyter lab"
    )
