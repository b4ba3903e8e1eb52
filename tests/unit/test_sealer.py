"""A job's folder is whole for colleagues when all of it could be read, and is tried again until then."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.config import Settings
from jupyter_mlops.protocols.sealing import JOB, WHOLE
from jupyter_mlops.services.sealing import packing
from jupyter_mlops.services.sealing import sealer as sealer_module
from jupyter_mlops.services.sealing.sealer import Sealer
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.migrations import migrate
from jupyter_mlops.store.sealing import SqlSealStore

JOB_ID = "01hzzzzzzzzzzzzzzzzzzzzzj1"


class Ended(SqlSealStore):
    """Of jobs that have all ended."""

    def unsealed_jobs(self, ids: Iterable[str]) -> list[str]:
        return [each for each in ids if WHOLE not in {seal.path for seal in self.of(JOB, each)}]


def test_job_with_an_unreadable_file_is_tried_again_until_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(
        home=tmp_path / "home",
        runtime_dir=tmp_path / "runtime",
        leases_dir=tmp_path / "leases",
        user="ada",
        blobs="file:///shared",
    )
    folder = settings.home / "jobs" / JOB_ID
    folder.mkdir(parents=True)
    (folder / "notebook.ipynb").write_text("{}")
    (folder / "spec.json").write_text("{}")
    database = Database(sqlite_url(tmp_path / "registry.sqlite"))
    migrate(database)
    store = Ended(database)
    sealer = Sealer(store, LocalBlobStore(tmp_path / "blobs"), settings)
    digests_in_file = packing.digests_in_file

    def refused(path: Path) -> set[str]:
        if path.suffix == ".ipynb":
            raise PermissionError(13, "Permission denied")
        return digests_in_file(path)

    def sealed() -> set[str]:
        return {seal.path for seal in store.of(JOB, JOB_ID)}

    monkeypatch.setattr(sealer_module, "digests_in_file", refused)
    for _ in range(2):
        sealer.seal_now()
        assert sealed() == {"spec.json"}
    assert caplog.text.count("cannot be sealed") == 1, "it is said once"
    monkeypatch.setattr(sealer_module, "digests_in_file", digests_in_file)
    sealer.seal_now()
    assert sealed() == {"spec.json", "notebook.ipynb", WHOLE}
