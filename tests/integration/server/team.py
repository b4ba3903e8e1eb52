"""A team: a real PostgreSQL, a real S3, and people whose homes nobody else can read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from jupyter_mlops import config
from jupyter_mlops.config import Settings
from jupyter_mlops.entities import Exit, Job, JobStatus, Process, Started
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.store.database import Database
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.workspace import Workspace
from tests import postgresql, s3

GONE = Process(host="elsewhere", boot_id="another", pid_namespace=7, pid=7, start_ticks=7)
EXECUTED = (
    b'{"cells": [{"cell_type": "code", "id": "a", "execution_count": 1, "metadata": {}, "outputs": [],'
    b' "source": "train()"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
)


@dataclass(frozen=True)
class Team:
    """Where the team's database and blobs are."""

    database: str
    blobs: str

    def settings(self, folder: Path, user: str) -> Settings:
        return Settings(
            home=folder / user,
            runtime_dir=folder / f"runtime-{user}",
            leases_dir=folder / "leases",
            user=user,
            database=self.database,
            blobs=self.blobs,
            journal_grace_s=0.0,
        )

    def member(self, folder: Path, user: str) -> Workspace:
        """A workspace of their own, in a home that only they can read."""
        workspace = Workspace(self.settings(folder, user))
        workspace.blobs  # noqa: B018 makes the home, 0700
        return workspace

    def environment(self) -> dict[str, str]:
        return {config.DATABASE: self.database, config.BLOBS: self.blobs}


@contextmanager
def team(folder: Path) -> Iterator[Team]:
    """A team's servers; skips the test where there are none."""
    with (
        postgresql.server() as database,
        s3.server(folder / "s3.log") as url,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in s3.credentials(url).items():
            patch.setenv(name, value)
        s3.forget_servers()
        try:
            yield Team(database.render_as_string(hide_password=False), s3.make_bucket(url))
        finally:
            s3.forget_servers()


def forget_all(database: str) -> None:
    """Drop every table of the team's database."""
    with_all = Database(database)
    with with_all.write() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    with_all.close()


def ended_job(workspace: Workspace, *, log: bytes = b"epoch 1\n", run_id: str | None = None) -> Job:
    """A job that a worker elsewhere has run: its folder, and the row that readers make of it."""
    home, store = workspace.settings.home, workspace.jobs.store
    spec = job_spec(user=workspace.settings.user, host="ada-laptop", cwd=str(home))
    folder = JobFolder.of(home, spec.id)
    folder.create(spec, EXECUTED, {"SECRET_TOKEN": "hunter2"})
    job = store.add(Job(spec=spec, status=JobStatus.QUEUED))
    folder.finish()
    store.update(job, status=JobStatus.STARTING)
    attempt = folder.attempt(1)
    attempt.begin(Started(process=GONE, run_id=run_id or "", started_at=spec.submitted_at + 1))
    attempt.log.write_bytes(log)
    attempt.output.write_bytes(EXECUTED)
    attempt.finish(Exit(status=JobStatus.SUCCEEDED, ended_at=spec.submitted_at + 9, written_by="worker"))
    workspace.jobs.refresh()
    return store.get(spec.id)
