"""What tests of several clusters need."""

from __future__ import annotations

import threading

import pytest

from jupyter_mlops.executors.staging_files import Upload


@pytest.fixture
def arrived(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Uploads go on until it is set."""
    event = threading.Event()
    run = Upload.run

    def slowly(self: Upload) -> None:
        event.wait(30)
        run(self)

    monkeypatch.setattr(Upload, "run", slowly)
    return event
