"""A team on PostgreSQL and S3: every page works for colleagues who cannot read its author's files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from jupyter_mlops import config
from jupyter_mlops.entities import RunDetail, RunStatus
from jupyter_mlops.errors import NotFound, Unavailable
from jupyter_mlops.journal import JournalWriter
from jupyter_mlops.journal.layout import output_tails
from jupyter_mlops.journal.records import Displayed, Start
from jupyter_mlops.protocols.sealing import JOB, RUN
from jupyter_mlops.store.database import Database
from jupyter_mlops.workspace import Workspace
from tests.waiting import wait_until

from .journals import RunFiles
from .team import GONE, Team, ended_job, forget_all, team

PATCH = b"--- a/train.py\n+++ b/train.py\n"
CELLS = [{"number": 1, "source": "x = 1", "ok": True, "cell_id": "a", "needed": True, "why": "assigns x"}]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with team(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@pytest.fixture
def ours(servers: Team) -> Team:
    """The team, with nothing in its database and its blobs."""
    forget_all(servers.database)
    return replace(servers, blobs=f"{servers.blobs}/{uuid4().hex}")


@pytest.fixture
def ada(ours: Team, tmp_path: Path) -> Workspace:
    return ours.member(tmp_path / "people", "ada")


def sealed(workspace: Workspace) -> None:
    """Have the member's own reader look, and wait until what has ended is sealed."""
    workspace.runs.search()
    assert workspace.sealing.wait(30)


def hide(workspace: Workspace) -> None:
    """Take a member's home out of everybody's reach."""
    workspace.sealing.wait(30)
    home = workspace.settings.home
    home.rename(home.with_name(f"{home.name}-hidden")).chmod(0)


def recorded_run(workspace: Workspace, **fields) -> str:
    """A run with something of everything; its blobs lie in its author's home alone."""
    files = RunFiles(workspace.settings.home)
    contents = {"patch": PATCH, "history": json.dumps(CELLS).encode()}
    digests = {name: files._blobs.put(content).digest for name, content in contents.items()}
    context = {"git": {"patch_digest": digests["patch"]}, "history": {"digest": digests["history"]}}
    return files.finished(
        "fit",
        params={"lr": 0.1},
        metrics={"loss": [0.5, 0.25]},
        artifacts={"weights.bin": ("application/octet-stream", b"weights"), "out.txt": ("text/plain", b"x")},
        context=context,
        printed="epoch 1\n",
        figure="aGk=",
        **fields,
    )


def unnumbered(detail: RunDetail) -> RunDetail:
    """But for the number of its last change, which tells readers what is new."""
    return replace(detail, run=replace(detail.run, seq=0))


def killed_run(workspace: Workspace) -> str:
    """A run whose process was killed while its last output was still kept in files of its own."""
    journal = JournalWriter(workspace.settings.home, "01hzzzzzzzzzzzzzzzzzzzzzk1", clock=lambda: 1e9)
    journal.append(Start(name="killed", experiment="e", kind="cell", user="ada", process=GONE))
    folder = output_tails(workspace.settings.home, journal.key.run_id)
    folder.mkdir(parents=True)
    line = Displayed(message="stream", data={"text/plain": "last words\n"}, name="stdout", at=1e9, n=2)
    (folder / "w.texts.1.jsonl").write_bytes(msgspec.json.encode(line) + b"\n")
    journal.close()
    return journal.key.run_id


RUN_PAGES = (
    "runs/{run}",
    "runs/{run}/history?name=loss",
    "runs/{run}/lineage",
    "runs/{run}/artifacts/weights.bin",
    "runs/{run}/captured/{patch}",
    "runs/{run}/cells",
    "runs/{run}/outputs/0",
    "runs/{run}/export",
    "runs/{run}/reproductions",
    "histories?run={run}&name=loss",
    "compare?a={run}&b={other}",
    "compare/table?run={run}&run={other}",
    "compare/figures?run={run}&run={other}",
    "compare/parallel?run={run}&run={other}",
    "runs",
    "table",
    "experiments",
    "jobs",
    "jobs/{job}",
    "jobs/{job}/log",
    "jobs/{job}/notebook",
    "jobs/{job}/lineage",
    "usage",
    "status",
)
NOT_OF_RUNS_AND_JOBS = ("sweeps", "schedules", "notebooks", "datasets", "models", "features", "lineage")


@pytest.fixture
def bob_serves(monkeypatch, ours, tmp_path, workspace_folders):
    """The server is bob's: another user, another home."""
    for name, value in ours.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(config.USER, "bob")
    monkeypatch.setenv(config.HOME, str(tmp_path / "people" / "bob"))


class TestPagesForColleagues:
    @pytest.fixture
    def jp_server_config(self, bob_serves):
        return {"ServerApp": {"jpserver_extensions": {"jupyter_mlops": True}}}

    async def test_every_page_of_a_run_and_a_job_works_without_its_authors_files(self, ada, api):
        job = ended_job(ada, log=b"epoch 1\nepoch 2\n")
        run, other = recorded_run(ada, job_id=job.id), recorded_run(ada)
        sealed(ada)
        digest = ada.runs.context(run)["git"]["patch_digest"]
        hide(ada)
        pages = {}
        for page in RUN_PAGES:
            path, _, query = page.format(run=run, other=other, job=job.id, patch=digest).partition("?")
            pairs: dict[str, list[str]] = {}
            for pair in filter(None, query.split("&")):
                name, value = pair.split("=")
                pairs.setdefault(name, []).append(value)
            pages[page] = (await api.fetch("GET", path, **pairs)).body
        detail = json.loads(pages["runs/{run}"])
        assert [each["kind"] for each in detail["outputs"]] == ["stream", "display_data"]
        assert (detail["run"]["user"], detail["run"]["status"]) == ("ada", "finished")
        assert json.loads(pages["runs/{run}/history?name=loss"])["values"] == [0.5, 0.25]
        assert pages["runs/{run}/artifacts/weights.bin"] == b"weights"
        assert pages["runs/{run}/captured/{patch}"] == PATCH
        assert json.loads(pages["runs/{run}/cells"]) == {"cells": CELLS}
        assert json.loads(pages["jobs/{job}/log"])["text"] == "epoch 1\nepoch 2\n"
        assert json.loads(pages["jobs/{job}/notebook"])["cells"][0]["source"] == "train()"
        with zipfile.ZipFile(io.BytesIO(pages["runs/{run}/export"])) as export:
            assert {"run.json", "artifacts/weights.bin", "manifest.json"} <= set(export.namelist())
            assert b"train()" in export.read("notebook.ipynb")
            assert [name for name in export.namelist() if name.startswith("journal/")] != []

    async def test_no_page_of_runs_and_jobs_is_left_out_of_that(self):
        from .test_access import implemented

        there = {path.removeprefix("api/") for verb, path in implemented() if verb == "GET"}
        named = {page.partition("?")[0] for page in RUN_PAGES}
        shaped = {page.replace("{run}", "x").replace("{job}", "x").replace("{patch}", "x") for page in named}
        left = {page for page in there if page.split("/")[0] in ("runs", "jobs", "compare", "histories")}
        assert {page.replace("weights.bin", "x").replace("outputs/0", "outputs/x") for page in shaped} >= left


class TestHomes:
    @pytest.fixture
    def bob(self, ours: Team, tmp_path: Path) -> Workspace:
        return ours.member(tmp_path / "people", "bob")

    def test_the_last_words_of_a_killed_run_reach_colleagues(self, ada: Workspace, bob: Workspace):
        run_id = killed_run(ada)
        for _ in range(2):  # its journal is looked at again when it has grown no more
            sealed(ada)
        hide(ada)
        detail = bob.runs.detail(run_id)
        assert detail.run.status is RunStatus.LOST
        assert [output.data["text/plain"] for output in detail.outputs] == ["last words\n"]

    def test_what_is_not_sealed_yet_says_where_it_lies(self, ada: Workspace, bob: Workspace):
        job = ended_job(ada)
        with pytest.raises(NotFound, match=r"in the home of ada on ada-laptop.*soon"):
            bob.jobs.log(job.id)

    def test_no_secret_of_a_job_is_sealed(self, ada: Workspace, bob: Workspace):
        job = ended_job(ada)
        sealed(ada)
        assert [each.path for each in bob._seals.of(JOB, job.id)] == [
            "",
            "attempts/1/exit.json",
            "attempts/1/log.txt",
            "attempts/1/output.ipynb",
            "attempts/1/started.json",
            "input.ipynb",
            "spec.json",
        ]

    def test_rebuild_brings_back_only_ones_own_and_what_colleagues_said_of_it(
        self, ada: Workspace, bob: Workspace
    ):
        mine, hers = recorded_run(bob), recorded_run(ada)
        sealed(ada)
        sealed(bob)
        ada.runs.edit(mine, tags={"reviewed": "yes"}, note="by ada")
        sealed(ada)
        hide(ada)
        before = bob.runs.detail(mine)
        seen = bob.runs.changes(0)[0]
        bob.runs.rebuild()
        assert unnumbered(bob.runs.detail(mine)) == unnumbered(before)
        assert before.run.tags == {"reviewed": "yes"}
        assert bob.runs.get(hers).name == "fit"
        assert hers not in bob.runs.changes(seen)[1]

    def test_an_index_that_is_lost_comes_back_from_homes_and_seals(self, ada: Workspace, bob: Workspace):
        hers, his = recorded_run(ada), recorded_run(bob)
        sealed(ada)
        sealed(bob)
        before = {run: unnumbered(bob.runs.detail(run)) for run in (hers, his)}
        hide(ada)
        bob.index.clear()
        assert {run: unnumbered(bob.runs.detail(run)) for run in (hers, his)} == before

    def test_a_home_that_joins_late_brings_all_it_has(self, ada: Workspace, bob: Workspace, tmp_path: Path):
        sealed(bob)  # somebody has scanned a home already
        runs = [recorded_run(ada) for _ in range(3)]
        for entry in (ada.settings.home / "active").iterdir():
            entry.unlink()  # they ended long ago, under a database of their own
        sealed(ada)
        hide(ada)
        assert bob.runs.search().total == 3
        assert bob.runs.artifact(runs[0], "weights.bin") == b"weights"
        assert all(bob._seals.of(RUN, run) for run in runs)

    def test_active_entries_stay_until_the_journal_is_sealed(self, ada: Workspace, monkeypatch):
        def away(*_: object) -> None:
            raise Unavailable("no line to the store")

        sealed(ada)
        with monkeypatch.context() as patch:
            patch.setattr(ada.blobs, "put_file", away)
            run_id = recorded_run(ada)
            for _ in range(3):
                ada.runs.search()
                ada.sealing.wait(10)
            assert len(list((ada.settings.home / "active").iterdir())) == 1
            assert ada._seals.of(RUN, run_id) == []
        ada.sealing._rests_until = 0.0
        wait_until(lambda: ada.runs.search() and not list((ada.settings.home / "active").iterdir()))
        assert len(ada._seals.of(RUN, run_id)) == 1

    def test_two_homes_push_at_once_and_nothing_is_lost(self, ours: Team, ada: Workspace, bob: Workspace):
        ada.runs.search()  # the tables are there
        for member in (ada, bob):
            files = RunFiles(member.settings.home)
            for number in range(8):
                files.finished(
                    f"run {number}", metrics={"loss": [float(number)]}, tags={"of": member.settings.user}
                )
        found = answers([reader(ours, member) for member in (ada, ada, bob)])
        assert [errors for _, errors in found] == [""] * 3
        for user in ("ada", "bob"):
            assert bob.runs.search(f"tags.of = '{user}'").total == 8
        assert all(len(bob.runs.history(run.id, "loss").values) == 1 for run in bob.runs.search().runs)

    def test_garbage_of_a_team_is_what_no_home_needs(self, ada: Workspace, bob: Workspace, monkeypatch):
        run = recorded_run(bob)
        carried = bob.blobs.put(b"a value that went along").digest
        job = ended_job(bob, log=f"loading {carried}\n".encode())
        sealed(bob)
        hide(bob)
        needed = {blob.digest for blob in ada.blobs.stored()}
        garbage = ada.blobs.put(b"nobody names this").digest
        monkeypatch.setattr(ada.upkeep, "_clock", lambda: time.time() + 30 * 86400)
        report = ada.upkeep.gc(delete=True)
        kinds = [(part.kind, part.count) for part in report.parts if part.kind != "cached copies"]
        assert kinds == [("blobs", 1)]
        assert {blob.digest for blob in ada.blobs.stored()} == needed
        assert not ada.blobs.exists(garbage)
        assert ada.runs.artifact(run, "weights.bin") == b"weights"
        assert carried in ada.jobs.log(job.id).text
        assert ada.upkeep.fsck(remote=True).damages == []

    def test_a_blob_that_is_stored_again_is_young_again(self, ada: Workspace, monkeypatch):
        digest = ada.blobs.put(b"content").digest
        (before,) = [blob.stored_at for blob in ada.blobs.stored() if blob.digest == digest]
        monkeypatch.setattr("jupyter_mlops.artifacts.remote.RENEWED_AFTER_S", 0.0)

        def renewed() -> bool:
            ada.blobs.put(b"content")
            return any(b.stored_at > before for b in ada.blobs.stored() if b.digest == digest)

        wait_until(renewed)
        assert ada.blobs.missing([digest]) == set()

    def test_a_damaged_copy_is_fetched_again_from_the_team(self, ada: Workspace, ours: Team, tmp_path: Path):
        digest = ada.blobs.put(b"precious").digest
        place = ada.settings.home / "blobs" / digest[:2] / digest
        place.chmod(0o644)
        place.write_bytes(b"precioux")
        again = Workspace(ada.settings)
        report = again.upkeep.fsck(repair=True)
        assert [(each.kind, each.repaired) for each in report.damages] == [("blob", True)]
        assert place.read_bytes() == b"precious"

    def test_a_database_that_goes_away_is_unavailable_and_comes_back(self, ours: Team, tmp_path: Path):
        """What PostgreSQL does when it is restarted, or a firewall forgets a connection."""
        workspace = ours.member(tmp_path / "people", "ada")
        workspace.registry.datasets()
        workspace.runs.search()
        run_id = recorded_run(workspace)
        with workspace._registry_database.engine.connect() as held:
            killer = Database(ours.database)
            with killer.write() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                    )
                )
            killer.close()
            with pytest.raises(OperationalError):
                held.execute(text("SELECT 1"))
        assert workspace.registry.datasets() == []  # a connection is tried before it is used
        assert workspace.runs.get(run_id).name == "fit"
        with (
            pytest.raises(Unavailable, match="cannot be written"),
            workspace._registry_database.write() as lost,
        ):
            lost.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert workspace.registry.datasets() == []


READ = """
import sys
from pathlib import Path
from tests.integration.server.team import Team
database, blobs, folder, user = sys.argv[1:]
member = Team(database, blobs).member(Path(folder), user)
sys.stdin.readline()
for _ in range(3):
    member.runs.search(limit=10)
member.sealing.wait(60)
"""


def reader(ours: Team, member: Workspace) -> subprocess.Popen[str]:
    """A process of a member's own that waits to be let go."""
    home = member.settings.home
    command = [sys.executable, "-c", READ, ours.database, ours.blobs, str(home.parent), home.name]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, text=True, cwd=Path(__file__).parents[3], **pipes)


def answers(processes: list[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=120) for process in processes]
