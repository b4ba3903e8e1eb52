"""Garbage, checks and backups of a real workspace that has something of everything."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.config import Settings
from jupyter_mlops.entities import Job, JobStatus, RunKind
from jupyter_mlops.entities.upkeep import GarbagePart
from jupyter_mlops.errors import (
    Conflict,
    Corrupt,
    Forbidden,
    InvalidInput,
    NotFound,
    Unavailable,
    Unsupported,
    Untrusted,
)
from jupyter_mlops.journal import JournalWriter
from jupyter_mlops.journal.records import Start
from jupyter_mlops.ownership import KEY_FILE, workspace_key
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.services.schedules.folder import ScheduleFolder
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.testing.schedules import schedule_spec
from jupyter_mlops.workspace import Workspace, use

from ..waiting import wait_until

DAY_S = 86400.0
SECRET = uuid4().hex


@dataclass
class Later:
    """A clock that is a month ahead: what was stored now is old."""

    days: float = 30.0

    def __call__(self) -> float:
        return time.time() + self.days * DAY_S


class Model:
    def predict(self, rows):
        return [1 for _ in rows]


@dataclass
class Place:
    """A workspace, and what a test knows of it."""

    workspace: Workspace
    folder: Path
    clock: Later
    runs: list[str] = field(default_factory=list)
    carried: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.workspace.settings.home

    @property
    def upkeep(self):
        return self.workspace.upkeep

    def digests(self) -> set[str]:
        return {blob.digest for blob in self.workspace.blobs.stored()}

    def reopened(self, home: Path | None = None) -> Workspace:
        """As another process opens it."""
        settings = replace(self.workspace.settings, home=home or self.home)
        return Workspace(settings, clock=self.clock)

    def damage(self, digest: str) -> None:
        path = self.home / "blobs" / digest[:2] / digest
        os.chmod(path, 0o644)
        path.write_bytes(b"\0" + path.read_bytes()[1:])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    settings = Settings(
        home=tmp_path / "home",
        runtime_dir=tmp_path / "runtime",
        leases_dir=tmp_path / "leases",
        user="ada",
        inline_output_bytes=100,
    )
    clock = Later()
    workspace = Workspace(settings, clock=clock)
    use(workspace)
    yield Place(workspace, tmp_path, clock)
    use(None)


def fill(place: Place) -> None:
    """Something of everything that puts blobs."""
    data = place.folder / "data"
    (data / "deep").mkdir(parents=True)
    for number in range(3):
        (data / "deep" / f"{number}.bin").write_bytes(bytes([number]) * 1000)
    (place.folder / "out.csv").write_text("a,b\n1,2\n")
    mlops.register_dataset(str(data), name="pictures", copy=True)
    mlops.register_dataset(str(place.folder / "out.csv"), name="table", copy=True)
    with mlops.track("fit", experiment="e") as run:
        mlops.log(loss=0.5)
        mlops.log_artifact(str(place.folder / "out.csv"), name="weights")
        mlops.load_dataset("pictures@1")
        mlops.register_model(Model(), name="net", alias="champion")
    place.runs.append(run.id)
    journal_folder = place.home / "runs" / run.id / "journal"
    wait_until(lambda: all(b'"k":"close"' in path.read_bytes() for path in journal_folder.iterdir()))
    place.carried = [place.workspace.blobs.put(f"carried {n}".encode()).digest for n in range(4)]
    queued_job(place, place.carried[0])
    schedule = ScheduleFolder.of(place.home, "01hzzzzzzzzzzzzzzzzzzzzzs1")
    schedule.create(schedule_spec(), json.dumps({"source": f"carried({place.carried[1]!r})"}).encode(), {})
    result = JobFolder.of(place.home, "01hzzzzzzzzzzzzzzzzzzzzzj2")
    result.create(job_spec(), b"{}", {"TOKEN": SECRET})
    (result.attempt(1).path / "result.json").write_text(json.dumps({"digest": place.carried[2]}))
    journal = JournalWriter(
        place.home, "01hzzzzzzzzzzzzzzzzzzzzzr9"
    )  # no index has it, and none understands it
    journal.append(Start(name="new", experiment="e", kind=RunKind.CELL))
    with journal.key.path(place.home).open("ab") as file:
        file.write(b'{"k":"hologram","v":9,"digest":"%s"}\n' % place.carried[3].encode())


def queued_job(place: Place, digest: str) -> Job:
    spec = job_spec(user="ada", submitted_at=place.clock())
    notebook = json.dumps({"cells": [{"source": f"x = carried({digest!r})"}]}).encode()
    JobFolder.of(place.home, spec.id).create(spec, notebook, {"TOKEN": SECRET})
    return place.workspace.jobs.store.add(Job(spec=spec, status=JobStatus.QUEUED))


class TestGc:
    def test_only_what_nobody_names_is_deleted_and_only_when_told_to(self, place: Place):
        fill(place)
        needed = place.digests()
        garbage = place.workspace.blobs.put(b"nobody names this").digest
        report = place.upkeep.gc()
        assert report.parts[0] == GarbagePart(kind="blobs", count=1, size_bytes=17)
        assert (report.deleted, report.kept, report.young) == (False, len(needed), 0)
        assert garbage in place.digests()
        report = place.upkeep.gc(delete=True)
        assert (report.deleted, report.parts[0].count, place.digests()) == (True, 1, needed)
        again = place.reopened()
        assert again.upkeep.fsck().damages == []
        assert again.registry.audit()[0].action == "gc"
        assert sorted(path.name for path in mlops.load_dataset("pictures", as_path=True).glob("deep/*")) == [
            "0.bin",
            "1.bin",
            "2.bin",
        ]

    def test_what_is_young_stays_and_what_is_stored_again_is_young(self, place: Place):
        place.clock.days = 6
        digest = place.workspace.blobs.put(b"of today").digest
        assert place.upkeep.gc(delete=True).young == 1
        place.clock.days = 0
        old = time.time() - 10 * DAY_S
        os.utime(place.home / "blobs" / digest[:2] / digest, (old, old))
        assert place.upkeep.gc().count == 1
        place.workspace.blobs.put(b"of today")
        assert place.upkeep.gc(delete=True).young == 1
        assert place.digests() == {digest}

    def test_what_is_stored_again_while_others_are_deleted_stays(self, place: Place, monkeypatch):
        old = time.time() - 10 * DAY_S
        blobs = place.workspace.blobs
        place.clock.days = 0
        digests = [blobs.put(b"garbage %d" % number).digest for number in range(9)]
        for digest in digests:
            os.utime(blobs.path(digest), (old, old))
        unlink = Path.unlink

        def store_all_then(path: Path, missing_ok: bool = False) -> None:
            monkeypatch.setattr(Path, "unlink", unlink)
            unlink(path, missing_ok=missing_ok)
            for number in range(9):
                place.reopened().blobs.put(b"garbage %d" % number)

        monkeypatch.setattr(Path, "unlink", store_all_then)
        assert place.upkeep.gc(delete=True).count == 1
        assert place.digests() == set(digests)

    def test_what_a_running_run_may_name_yet_stays(self, place: Place):
        from jupyter_mlops.capture.processes import current_process

        digest = place.workspace.blobs.put(b"stored by the run, and not named yet").digest
        began = time.time() - 60
        journal = JournalWriter(place.home, "01hzzzzzzzzzzzzzzzzzzzzzr8", clock=lambda: began)
        journal.append(Start(name="long", experiment="e", kind=RunKind.CELL, process=current_process()))
        report = place.upkeep.gc(delete=True)
        assert (report.count, report.young, place.digests()) == (0, 1, {digest})
        assert report.because.startswith("run 01hzzzzzzzzzzzzzzzzzzzzzr8 goes on since")

    def test_nothing_is_deleted_while_it_is_not_known_what_is_needed(self, place: Place):
        fill(place)
        manifest = place.workspace.registry.dataset_version("pictures").digest
        place.workspace.blobs.path(manifest)  # out of its pack, if it lies in one
        place.workspace.blobs.put(b"garbage")
        before = place.digests()
        place.damage(manifest)
        with pytest.raises(Unavailable, match=r"list of files of dataset pictures@1.*fsck"):
            place.reopened().upkeep.gc(delete=True)
        assert place.digests() == before

    def test_who_may_not_delete_may_look(self, place: Place, tmp_path: Path):
        roles = tmp_path / "roles.json"
        roles.write_text('{"default": "contributor"}')
        settings = replace(place.workspace.settings, access=str(roles))
        workspace = Workspace(settings, clock=place.clock)
        workspace.blobs.put(b"garbage")
        assert workspace.upkeep.gc().count == 1
        with pytest.raises(Forbidden, match="to delete blobs"):
            workspace.upkeep.gc(delete=True)
        assert len(place.digests()) == 1

    def test_too_short_an_age_is_refused(self, place: Place):
        with pytest.raises(InvalidInput, match="--older-than 2h or more"):
            place.upkeep.gc(older_than_s=60)

    def test_cached_copies_that_nobody_used_go_and_come_again(self, place: Place):
        (place.folder / "out.csv").write_text("a,b\n1,2\n")
        mlops.register_dataset(str(place.folder / "out.csv"), name="table", copy=True)
        path = mlops.load_dataset("table", as_path=True)
        report = place.upkeep.gc(delete=True)
        assert [part.kind for part in report.parts] == ["cached copies"]
        assert not path.exists()
        assert mlops.load_dataset("table", as_path=True).read_text() == "a,b\n1,2\n"

    def test_what_killed_writers_left_is_garbage(self, place: Place):
        left = place.home / "blobs" / "incoming" / "half"
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b"half of a content")
        report = place.upkeep.gc()
        assert [(part.kind, part.count, part.size_bytes) for part in report.parts] == [
            ("half-written contents", 1, 17)
        ]
        assert left.exists()
        place.upkeep.gc(delete=True)
        assert not left.exists()

    def test_cached_copies_that_a_running_run_was_handed_stay(self, place: Place):
        from jupyter_mlops.capture.processes import current_process

        began = time.time() - 60
        journal = JournalWriter(place.home, "01hzzzzzzzzzzzzzzzzzzzzzr8", clock=lambda: began)
        journal.append(Start(name="long", experiment="e", kind=RunKind.CELL, process=current_process()))
        (place.folder / "out.csv").write_text("a,b\n1,2\n")
        mlops.register_dataset(str(place.folder / "out.csv"), name="table", copy=True)
        path = mlops.load_dataset("table", as_path=True)
        assert place.upkeep.gc(delete=True).parts == []
        assert path.exists()


class TestFsck:
    def test_damage_is_told_with_what_it_affects_and_repaired_from_the_source(self, place: Place):
        fill(place)
        digest = place.workspace.registry.dataset_version("table").digest
        place.workspace.blobs.path(digest)
        place.damage(digest)
        with pytest.raises(Corrupt):
            place.reopened().blobs.get(digest)
        (damage,) = place.reopened().upkeep.fsck().damages
        assert (damage.kind, damage.subject, damage.repaired) == ("blob", digest, False)
        assert {"dataset table@1", f"run {place.runs[0]}, artifact weights"} <= set(damage.affects)
        report = place.reopened().upkeep.fsck(repair=True)
        assert [each.repaired for each in report.damages] == [True]
        assert report.whole
        assert (place.home / "damaged" / digest).read_bytes()[:1] == b"\0"
        assert place.reopened().upkeep.fsck().damages == []

    def test_pack_that_does_not_open_is_damage(self, place: Place):
        place.workspace.blobs.put_many([b"one", b"two"])
        (pack,) = (place.home / "blobs" / "packs").glob("*.pack")
        os.chmod(pack, 0o644)
        os.truncate(pack, pack.stat().st_size - 1)
        (damage,) = place.reopened().upkeep.fsck().damages
        assert (damage.kind, damage.subject) == ("blob", str(pack))
        pack.unlink()
        assert place.reopened().upkeep.fsck().damages == []

    def test_what_cannot_be_had_again_stays_damaged(self, place: Place):
        fill(place)
        digest = place.workspace.registry.model_version("net").digest
        (place.home / "blobs" / digest[:2] / digest).unlink()
        report = place.reopened().upkeep.fsck(repair=True)
        (damage,) = report.damages
        assert (damage.kind, damage.repaired, report.whole) == ("missing", False, False)
        assert "model net@1" in damage.affects

    def test_changed_decisions_cut_journals_and_damaged_databases_are_found(self, place: Place):
        fill(place)
        place.workspace.runs.search()
        assert place.reopened().upkeep.fsck().damages == []
        (journal,) = (place.home / "runs" / place.runs[0] / "journal").iterdir()
        os.truncate(journal, 100)
        with sqlite3.connect(place.home / "registry.sqlite") as database:
            database.execute("UPDATE audit SET user = 'mallory' WHERE seq = 1")
        found = {each.kind: each for each in place.reopened().upkeep.fsck().damages}
        assert sorted(found) == ["audit", "journal"]
        assert found["journal"].affects == [f"run {place.runs[0]}"]

    def test_damaged_index_is_made_anew_and_a_damaged_registry_is_left(self, place: Place):
        fill(place)
        place.workspace.runs.search()
        place.workspace._index_database.close()
        for name in ("index.sqlite", "registry.sqlite"):
            copy = place.folder / name
            shutil.copy(place.home / name, copy)
        index = place.home / "index.sqlite"
        content = bytearray(index.read_bytes())
        content[8192:40960] = b"\xff" * (40960 - 8192)
        index.write_bytes(content)
        for suffix in ("-wal", "-shm"):
            Path(f"{index}{suffix}").unlink(missing_ok=True)
        report = place.reopened().upkeep.fsck(repair=True)
        assert ([each.kind for each in report.damages], report.whole) == (["index"], True)
        assert place.reopened().runs.get(place.runs[0]).name == "fit"


class TestBackup:
    @pytest.mark.parametrize("name", ["saved.zip", "saved"])
    def test_what_was_saved_comes_back_whole_without_secrets(self, place: Place, name: str):
        fill(place)
        saved = place.folder / name
        report = place.upkeep.backup(saved)
        assert report.blobs == len(place.digests())
        assert SECRET.encode() not in _all_bytes(saved)
        restored = place.folder / "restored"
        place.upkeep.restore(saved, into=restored)
        assert restored.stat().st_mode & 0o077 == 0
        other = place.reopened(restored)
        assert other.upkeep.fsck().damages == []
        mine = place.reopened()
        ours = [(run.id, run.name, run.metrics) for run in mine.runs.search().runs]
        assert [(run.id, run.name, run.metrics) for run in other.runs.search().runs] == ours
        assert other.registry.models() == mine.registry.models()
        assert other.registry.datasets() == mine.registry.datasets()
        assert [job.id for job in other._job_store.search()] == [job.id for job in mine._job_store.search()]
        assert other.registry.verify_audit() == []

    def test_a_folder_takes_only_new_blobs(self, place: Place):
        fill(place)
        saved = place.folder / "saved"
        first = place.upkeep.backup(saved)
        place.workspace.blobs.put(b"one more")
        second = place.upkeep.backup(saved)
        assert first.new == first.files + first.blobs
        assert (second.blobs, second.new) == (first.blobs + 1, 2)  # the blob, and the registry's file
        place.upkeep.restore(saved, into=place.folder / "restored")

    def test_a_journal_in_the_middle_of_a_line_is_saved_up_to_it(self, place: Place):
        fill(place)
        (journal,) = (place.home / "runs" / place.runs[0] / "journal").iterdir()
        whole = journal.read_bytes()
        with journal.open("ab") as file:
            file.write(b'{"k":"metric","m":{"lo')
        place.upkeep.backup(place.folder / "saved")
        saved = place.folder / "saved" / "home" / journal.relative_to(place.home)
        assert saved.read_bytes() == whole

    def test_a_home_that_holds_something_is_replaced_only_by_force_and_kept_aside(self, place: Place):
        fill(place)
        place.upkeep.backup(place.folder / "saved.zip")
        precious = place.home / "precious.txt"
        precious.write_text("mine")
        with pytest.raises(Conflict, match="--force"):
            place.upkeep.restore(place.folder / "saved.zip")
        report = place.upkeep.restore(place.folder / "saved.zip", force=True)
        (aside,) = place.folder.glob("home.before-restore-*")
        assert (aside / "precious.txt").read_text() == "mine"
        assert str(aside) in report.notes[-1]
        assert place.reopened().runs.get(place.runs[0]).name == "fit"

    def test_what_killed_restores_left_beside_the_home_goes_with_a_later_one(self, place: Place):
        fill(place)
        place.upkeep.backup(place.folder / "saved.zip")
        old, young = (place.folder / f".restored.restoring-{name}" for name in ("old", "young"))
        for each in (old, young):
            each.mkdir()
            (each / "blob").write_bytes(b"half")
        now = place.clock()
        os.utime(old, (now - 2 * 86400, now - 2 * 86400))
        os.utime(young, (now, now))
        place.upkeep.restore(place.folder / "saved.zip", into=place.folder / "restored")
        assert (old.exists(), young.exists()) == (False, True)

    def test_a_backup_has_no_key_and_proves_nothing_in_another_home(self, place: Place):
        fill(place)
        report = place.upkeep.backup(place.folder / "saved.zip")
        assert workspace_key(place.home) not in _all_bytes(place.folder / "saved.zip")
        report = place.upkeep.restore(place.folder / "saved.zip", into=place.folder / "restored")
        assert any("is in no backup" in note for note in report.notes)
        other = place.reopened(place.folder / "restored").registry
        with pytest.raises(Untrusted, match=r"net@1.*or before a restore"):
            other.load_model("net")
        assert type(other.load_model("net", trust=True)) is Model
        other.register_model(Model(), name="net")
        assert type(other.load_model("net")) is Model

    @pytest.mark.parametrize(("proof", "loads"), [("kept", True), ("none", False)])
    def test_a_home_restored_in_its_place_knows_what_it_had_proved(
        self, place: Place, proof: str, loads: bool
    ):
        """Who had the backup may have put a row into it: one without a proof is not believed."""
        fill(place)
        if proof == "none":
            with closing(sqlite3.connect(place.home / "registry.sqlite")) as database, database:
                database.execute("UPDATE model_versions SET proof = NULL")
        assert type(place.reopened().registry.load_model("net")) is Model
        place.upkeep.backup(place.folder / "saved")
        report = place.upkeep.restore(place.folder / "saved", force=True)
        assert any("load as before" in note for note in report.notes)
        if loads:
            assert type(place.reopened().registry.load_model("net")) is Model
        else:
            with pytest.raises(Untrusted):
                place.reopened().registry.load_model("net")

    def test_the_backup_of_another_home_gets_no_key_of_this_one(self, place: Place):
        fill(place)
        place.upkeep.backup(place.folder / "saved")
        other = place.reopened(place.folder / "other")
        other.registry.register_model(Model(), name="mine")
        key = workspace_key(place.folder / "other")
        other.upkeep.restore(place.folder / "saved", force=True)
        assert workspace_key(place.folder / "other") not in (key, workspace_key(place.home))

    def test_damaged_backups_change_nothing(self, place: Place):
        fill(place)
        saved = place.folder / "saved"
        place.upkeep.backup(saved)
        into = place.folder / "into"
        victims = [
            next(saved.glob("blobs/*/*")),
            saved / "home" / "registry.sqlite",
            next(saved.glob("home/runs/*/journal/*")),
        ]
        for victim in victims:
            content = victim.read_bytes()
            victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
            with pytest.raises(Corrupt, match="damaged"):
                place.upkeep.restore(saved, into=into)
            victim.write_bytes(content)
        (saved / "backup.json").unlink()
        with pytest.raises(NotFound, match=r"no backup\.json"):
            place.upkeep.restore(saved, into=into)
        assert not into.exists()
        assert not list(place.folder.glob(".into.restoring-*"))

    @pytest.mark.parametrize("force", [False, True])
    def test_a_backup_that_is_not_there_is_told_before_anything_else(self, place: Place, force: bool):
        fill(place)
        with pytest.raises(NotFound, match=r"No backup at .*missing\.zip"):
            place.upkeep.restore(place.folder / "missing.zip", force=force)
        (place.folder / "notes.zip").write_text("no zip")
        with pytest.raises(Corrupt, match="no whole zip file"):
            place.upkeep.restore(place.folder / "notes.zip", force=force)
        with pytest.raises(NotFound, match="No backup"):
            place.upkeep.restore(place.folder / "missing", into=place.folder / "a" / "b")
        assert not (place.folder / "a").exists()

    def test_forged_paths_lead_nowhere(self, place: Place):
        fill(place)
        saved = place.folder / "saved"
        place.upkeep.backup(saved)
        manifest = json.loads((saved / "backup.json").read_bytes())
        entry = next(iter(manifest["files"].values()))
        for path in (
            "../evil",
            "/etc/evil",
            "a/../../evil",
            "a\\b",
            "jobs/1/env.json",
            "blobs/00/x",
            KEY_FILE,
        ):
            (saved / "backup.json").write_text(json.dumps({**manifest, "files": {path: entry}}))
            with pytest.raises(InvalidInput):
                place.upkeep.restore(saved, into=place.folder / "into")

    def test_a_team_is_told_of_its_own_ways(self, place: Place):
        settings = replace(place.workspace.settings, database="postgresql+psycopg://db/team")
        with pytest.raises(Unsupported, match="pg_dump"):
            Workspace(settings).upkeep.backup(place.folder / "saved")


def _all_bytes(saved: Path) -> bytes:
    if saved.is_file():
        with zipfile.ZipFile(saved) as archive:
            return b"".join(archive.read(name) for name in archive.namelist())
    return b"".join(path.read_bytes() for path in saved.rglob("*") if path.is_file())
