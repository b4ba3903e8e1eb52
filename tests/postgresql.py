"""A real PostgreSQL for tests: made in a temporary folder, reached through a socket there."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, create_engine
from sqlalchemy.exc import OperationalError

from .optional import optional, optional_program
from .waiting import wait_until

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


@contextmanager
def server() -> Iterator[URL]:
    """The URL of a new server's database; skips the test where there is no PostgreSQL or no driver."""
    optional("psycopg")
    programs = {name: str(optional_program(name, *FOLDERS).resolve()) for name in ("initdb", "postgres")}
    folder = Path(tempfile.mkdtemp(prefix="mlops-pg-"))
    user = _user()
    if user is not None:
        shutil.chown(folder, user)
    as_user = {"user": user, "extra_groups": []} if user else {}
    data = folder / "data"
    make = [programs["initdb"], "-D", str(data), "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(make, check=True, capture_output=True, cwd=folder, **as_user)
    run = [programs["postgres"], "-D", str(data), "-k", str(folder), "-h", "", "-c", "fsync=off"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(run, stdout=log, stderr=log, cwd=folder, **as_user)
    try:
        url = URL.create("postgresql+psycopg", "tester", database="postgres", query={"host": str(folder)})
        wait_until(lambda: _answers(url))
        yield url
    finally:
        process.send_signal(2)  # SIGINT: without waiting for its clients
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str | None:
    """Root cannot run PostgreSQL: the user that its package made, or nobody."""
    if os.geteuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _answers(url: URL) -> bool:
    engine = create_engine(url)
    try:
        with engine.connect():
            return True
    except OperationalError:
        return False
    finally:
        engine.dispose()
