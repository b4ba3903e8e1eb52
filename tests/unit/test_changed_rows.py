"""Who may write a team's database changes nothing of what another user's agent submits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, update

from jupyter_mlops.entities import (
    CatchUp,
    Distribution,
    Goal,
    Job,
    JobSpec,
    JobStatus,
    Overlap,
    Resources,
    Schedule,
    ScheduleSpec,
    Sweep,
    SweepSpec,
    SweepStatus,
    Timing,
    derived_id,
)
from jupyter_mlops.errors import Conflict, NotFound
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.services.schedules.folder import ScheduleFolder
from jupyter_mlops.services.sweeps.folder import SweepFolder
from jupyter_mlops.services.upkeep.saving import home_files
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.registry_tables import schedules, sweeps
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.testing.schedules import schedule_spec
from jupyter_mlops.testing.sweeps import sweep_spec
from jupyter_mlops.wire import to_json

from . import schedule_worlds
from .schedule_worlds import DAY, HOUR, NOON
from .sweep_worlds import SweepWorld, sweep_world, template

INJECTED = "x = __import__('os').system('id'); y"
TEMPLATES: dict[str, dict[str, Any]] = {
    "who runs it": {"interpreter": "/bin/sh", "kernel_name": "evil", "kernel_argv": ["/bin/sh", "-c", "id"]},
    "where": {"cwd": "/", "python_path": ["/tmp/evil"], "executor": "slurm", "executors": ["slurm", "local"]},
    "with what": {"resources": Resources(cpus=4, gpus=2, time_limit_s=1e6), "priority": 99, "retries": 9},
    "what it is given": {"params": {INJECTED: 1}, "tags": {"mallory": "1"}, "returns": ["secret"]},
    "for whom": {"user": "mallory", "host": "elsewhere", "name": "evil", "experiment": "evil"},
    "after what": {"after": ["0" * 26], "after_any": ["0" * 26], "parent_run_id": "0" * 26},
}
templates = pytest.mark.parametrize("changes", TEMPLATES.values(), ids=TEMPLATES.keys())


@pytest.fixture
def home(tmp_path: Path) -> Iterator[schedule_worlds.World]:
    with schedule_worlds.world(tmp_path) as made:
        yield made


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SweepWorld]:
    with sweep_world(tmp_path) as made:
        yield made


def write_row(
    database: Database, table: Table, row_id: str, spec: ScheduleSpec | SweepSpec, **columns: Any
) -> None:
    """As somebody does who has the database's password."""
    change = update(table).where(table.c.id == row_id).values(spec=to_json(spec), **columns)
    with database.write() as connection:
        assert connection.execute(change).rowcount == 1


def forge(home: schedule_worlds.World, schedule: Schedule, **changes: Any) -> None:
    write_row(home.store._database, schedules, schedule.id, replace(schedule.spec, **changes))


def submitted(home: Path, job: Job) -> JobSpec:
    """What the agent starts, but for what each run has of its own."""
    spec = JobFolder.of(home, job.id).spec()
    return replace(spec, id="", submitted_at=0.0, tags={}, after_any=[])


def as_made(template: JobSpec) -> JobSpec:
    return replace(template, id="", submitted_at=0.0, tags={}, after_any=[])


class TestSchedules:
    @templates
    def test_a_changed_template_changes_no_run_of_the_agent_and_none_that_is_asked_for(
        self, home: schedule_worlds.World, changes: dict[str, Any]
    ) -> None:
        schedule = home.add(template=job_spec(params={"n": 1}, tags={"team": "blue"}))
        made = schedule.spec.template
        forge(home, schedule, template=replace(made, **changes))
        home.turn(NOON + HOUR)
        asked_for = home.service.run_now(schedule.id)
        jobs = home.runs()
        assert {job.id for job in jobs} == {derived_id(NOON + HOUR, schedule.id), asked_for.id}
        for job in jobs:
            assert submitted(home.settings.home, job) == as_made(made)
            assert job.spec.user == "ada"
            assert {*job.spec.tags} == {"team", "schedule", "scheduled"}

    @pytest.mark.parametrize(
        "timing",
        [
            Timing(cron="* * * * *", timezone="UTC", catch_up=CatchUp.ALL, overlap=Overlap.ALLOW),
            Timing(cron="no cron at all", timezone="nowhere"),
        ],
    )
    def test_a_changed_timing_makes_no_more_runs_than_its_maker_asked_for(
        self, home: schedule_worlds.World, timing: Timing
    ) -> None:
        schedule = home.add()
        forge(home, schedule, timing=timing)
        home.turn(NOON + HOUR)
        home.turn(NOON + 3 * HOUR)
        assert [job.id for job in home.runs()] == [derived_id(NOON + HOUR, schedule.id)]
        assert home.row(schedule).next_at == NOON + HOUR + DAY

    @pytest.mark.parametrize("place", ["../../evil", "..", "../schedules", "../0123456789abcdefghjkmnpqr"])
    def test_a_row_whose_id_is_a_path_leads_to_no_other_folder(
        self, home: schedule_worlds.World, place: str
    ) -> None:
        """Neither is anything run that lies there, nor deleted."""
        schedule = home.add()
        theirs = ScheduleFolder(home.settings.home / "schedules" / place)
        theirs.path.mkdir(exist_ok=True)
        theirs._write(schedule_spec(template=job_spec(interpreter="/bin/sh")), b"{}", {})
        write_row(home.store._database, schedules, schedule.id, replace(schedule.spec, id=place), id=place)
        assert home.turn(NOON + HOUR) == 0
        (row,) = home.service.search()
        assert (row.id, home.service.detail(place).jobs) == (place, [])
        with pytest.raises(Conflict):
            home.service.run_now(place)
        assert home.service.delete(place).id == place
        assert home.runs() == []
        assert theirs.spec().template.interpreter == "/bin/sh"

    def test_an_id_in_the_spec_of_a_row_says_nothing(self, home: schedule_worlds.World) -> None:
        schedule, other = home.add(), home.add(cron="0 0 1 1 *")
        forge(home, schedule, id=other.id)
        home.turn(NOON + HOUR)
        assert [job.spec.schedule_id for job in home.runs()] == [schedule.id]
        assert home.service.pause(schedule.id).id == schedule.id
        assert home.service.delete(schedule.id).id == schedule.id
        assert home.service.search() == [other]

    def test_a_folder_is_of_whole_ids(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match=r"No schedule can have the id '\.\./x': its row is damaged"):
            ScheduleFolder.of(tmp_path, "../x")
        assert SweepFolder.find(tmp_path, "../x") is None

    def test_one_without_its_spec_says_so_and_what_to_do(self, home: schedule_worlds.World) -> None:
        schedule = home.add()
        path = ScheduleFolder.of(home.settings.home, schedule.id).path / "spec.json"
        path.unlink()
        home.turn(NOON + HOUR)
        lost = f"The schedule's file {path} is gone: delete the schedule, and make it anew."
        assert home.service.detail(schedule.id).schedule.reason == f"its run could not be queued: {lost}"
        with pytest.raises(NotFound) as caught:
            home.service.run_now(schedule.id)
        assert caught.value.message == lost
        assert home.runs() == []

    def test_one_with_a_damaged_spec_says_which_file_it_is(self, home: schedule_worlds.World) -> None:
        schedule = home.add()
        path = ScheduleFolder.of(home.settings.home, schedule.id).path / "spec.json"
        path.write_text("{")
        home.turn(NOON + HOUR)
        assert f"{path} is damaged" in home.row(schedule).reason
        assert home.runs() == []

    def test_what_its_row_masks_its_folder_masks_too(self, home: schedule_worlds.World) -> None:
        """The values themselves are in the notebook."""
        schedule = home.add(template=job_spec(params={"api_token": "abcd1234efgh5678", "n": 1}))
        folder = ScheduleFolder.of(home.settings.home, schedule.id)
        assert folder.spec() == schedule.spec
        assert b"abcd1234efgh5678" not in (folder.path / "spec.json").read_bytes()


def test_a_backup_has_what_they_are_made_of_and_no_secret(
    home: schedule_worlds.World, world: SweepWorld
) -> None:
    schedule = home.add()
    saved = {name for name, _ in home_files(home.settings.home) if name.startswith("schedules/")}
    assert saved == {f"schedules/{schedule.id}/{name}" for name in ("spec.json", "template.ipynb")}
    sweep = world.submit()
    saved = {name for name, _ in home_files(world.home) if name.startswith("sweeps/")}
    assert saved == {f"sweeps/{sweep.id}/{name}" for name in ("spec.json", "template.ipynb")}


class TestSearches:
    def forge(self, world: SweepWorld, sweep: Sweep, **changes: Any) -> None:
        write_row(world.database, sweeps, sweep.id, replace(sweep.spec, **changes))

    def made(self, world: SweepWorld, sweep: Sweep) -> list[JobSpec]:
        return [submitted(world.home, job) for job in world.trials_jobs(sweep)]

    def submit(self, world: SweepWorld, **changes: Any) -> Sweep:
        spec = sweep_spec(submitted_at=world.clock(), **changes)
        spec = replace(spec, template=replace(spec.template, params={"n": 1}))
        return world.sweeps.submit(spec, template(), {"SECRET": "x"})

    @templates
    @pytest.mark.parametrize("when", ["before its first trial", "while it goes on", "under a new agent"])
    def test_a_changed_template_changes_no_trial(
        self, world: SweepWorld, changes: dict[str, Any], when: str
    ) -> None:
        sweep = self.submit(world, trials=2, parallel=1)
        made = sweep.spec.template
        if when != "before its first trial":
            world.tick()
            world.work(sweep)
        self.forge(world, sweep, template=replace(made, **changes))
        if when == "under a new agent":
            world.new_agent()
        assert world.run_to_its_end(sweep).status is SweepStatus.FINISHED
        jobs = world.trials_jobs(sweep)
        assert [job.spec.trial for job in jobs] == [0, 1]
        for number, job in enumerate(jobs):
            expected = replace(as_made(made), trial=number, params={"n": 1, "lr": job.spec.params["lr"]})
            assert submitted(world.home, job) == expected
            assert JobFolder.of(world.home, job.id).spec().tags == {"trial": str(number)}

    @pytest.mark.parametrize(
        "changes",
        [
            {"space": {INJECTED: Distribution(kind="choice", choices=[1])}},
            {"trials": 900, "parallel": 900},
            {"name": "evil", "user": "mallory", "sampler": "tpe", "seed": 1},
            {"goal": Goal(metric="evil", direction="minimize"), "pruner": "median"},
        ],
    )
    def test_a_changed_search_makes_the_same_trials(self, world: SweepWorld, changes: dict[str, Any]) -> None:
        """The names of the space are assigned to in the trials' notebooks: they are code."""
        plain, changed = (self.submit(world, trials=2, parallel=1, seed=3) for _ in range(2))
        self.forge(world, changed, **changes)
        for _ in range(6):
            world.tick()
            world.work(plain)
            for job in world.under_way(changed):
                world.begin(job)
                world.runs.log(job, job.spec.params["lr"])
                world.end(job)
        params = [[spec.params for spec in self.made(world, sweep)] for sweep in (plain, changed)]
        assert params[0] == params[1]
        assert [*params[0][0]] == ["n", "lr"]
        for job in world.trials_jobs(changed):
            assert b"__import__" not in JobFolder.of(world.home, job.id).input.read_bytes()

    def test_a_row_whose_id_is_a_path_leads_to_no_other_folder(
        self, world: SweepWorld, tmp_path: Path
    ) -> None:
        sweep = self.submit(world, trials=1)
        theirs = SweepFolder(tmp_path / "evil")
        theirs.create(sweep.spec, template(), {})
        write_row(world.database, sweeps, sweep.id, replace(sweep.spec, id="../evil"), id="../evil")
        world.studies.touch()
        assert world.tick() == 0
        world.sweeps.refresh()
        assert world.sweeps.detail("../evil").dashboard is None
        assert world.jobs.store.search() == []

    def test_a_job_row_whose_id_is_a_path_is_no_trial(self, world: SweepWorld, tmp_path: Path) -> None:
        """Else the folder that it names would be taken for a trial's, and be written to or deleted."""
        sweep = self.submit(world, trials=1, pruner="median")
        (tmp_path / "kept").mkdir()
        evil = job_spec(id="../kept", sweep_id=sweep.id, trial=0, params={"lr": 0.01})
        world.jobs.store.add(Job(spec=evil, status=JobStatus.RUNNING, run_id="r"))
        world.tick()
        assert "../kept" not in [trial.job_id for trial in world.sweeps.trials(sweep.id)]
        assert [spec.params["n"] for spec in self.made(world, sweep)] == [1]
        assert [*(tmp_path / "kept").iterdir()] == []

    @pytest.mark.parametrize("name", ["spec.json", "template.ipynb", "env.json"])
    def test_one_without_a_file_ends_and_says_what_to_do(self, world: SweepWorld, name: str) -> None:
        sweep = self.submit(world, trials=2)
        path = SweepFolder.of(world.home, sweep.id).path / name
        path.unlink()
        ended = world.run_to_its_end(sweep)
        assert ended.status is SweepStatus.FAILED
        lost = f"The sweep's file {path} is gone: submit the search anew."
        assert world.sweeps.detail(sweep.id).sweep.reason == f"no further trial can be made: {lost}"
        assert world.trials_jobs(sweep) == []

    def test_one_with_a_damaged_spec_ends_and_says_which_file_it_is(self, world: SweepWorld) -> None:
        sweep = self.submit(world, trials=2)
        path = SweepFolder.of(world.home, sweep.id).path / "spec.json"
        path.write_text("{")
        ended = world.run_to_its_end(sweep)
        assert (ended.status, f"{path} is damaged" in ended.reason) == (SweepStatus.FAILED, True)

    def test_one_that_has_ended_is_not_begun_again_by_its_row(self, world: SweepWorld) -> None:
        sweep = self.submit(world, trials=1)
        world.run_to_its_end(sweep)
        with world.database.write() as connection:
            connection.execute(update(sweeps).values(status="running", ended_at=None))
        self.forge(world, sweep, trials=5)
        world.new_agent()
        world.tick()
        assert len(world.trials_jobs(sweep)) == 1

    def test_the_folder_of_a_plain_grid_holds_nothing(self, world: SweepWorld) -> None:
        spec = sweep_spec(submitted_at=world.clock(), sampler="grid")
        job = world.jobs.submit(
            job_spec(submitted_at=world.clock(), params={"lr": 0.1}, sweep_id=spec.id), template(), {}
        )
        sweep = world.sweeps.grid(spec, [job])
        folder = SweepFolder.of(world.home, sweep.id)
        assert ([*folder.path.iterdir()], folder.is_search) == ([], False)
        with pytest.raises(FileExistsError):
            folder.create_empty()

    def test_a_folder_that_cannot_be_written_leaves_nothing(
        self, world: SweepWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("jupyter_mlops.services.jobs.template_folder.create_once", full)
        with pytest.raises(OSError, match="No space left"):
            self.submit(world)
        assert [*(world.home / "sweeps").iterdir()] == []
        assert world.sweeps.search() == []
