"""What arrives from a folder that others may write to changes nothing that this home has."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from blake3 import blake3

from jupyter_mlops.capture.processes import current_process
from jupyter_mlops.entities import Started
from jupyter_mlops.executors.staging_pulls import Pull
from jupyter_mlops.executors.staging_state import Key, State, States
from jupyter_mlops.remote.batches import GROWS, OBJECT_BYTES, ONCE, REPLACED, Batch, Part, encode
from jupyter_mlops.remote.folder import RemoteFolder
from jupyter_mlops.remote.layout import SENT, attempt_path, batch_name, blob_path, object_name
from jupyter_mlops.wire import encode as encode_entity

KEY = Key("01hjob", 1)
CONTENTS = b"trained for a week"
DIGEST = blake3(CONTENTS).hexdigest()
JOURNAL = "runs/theirs/journal/w.jsonl"


class Home:
    """A home, and what is sent to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "home"
        self.states = States(self.path)
        self.remote = RemoteFolder(f"file://{folder}/far/{KEY.job_id}")
        self.states.write(KEY, State(url=self.remote.url))
        self.sent = 0

    def send(self, *parts: Part) -> None:
        self.sent += 1
        self.remote.child("1").put(batch_name(SENT, self.sent), encode(Batch(parts=list(parts))))

    def pull(self) -> None:
        """As a new agent does it."""
        state = self.states.read(KEY)
        assert state is not None
        Pull(self.path, self.states, KEY, state).run()

    def receive(self, *parts: Part) -> None:
        self.send(*parts)
        self.pull()

    def has(self, place: str) -> bytes | None:
        path = self.path / place
        return path.read_bytes() if path.exists() else None

    def keep(self, place: str, data: bytes) -> None:
        (self.path / place).parent.mkdir(parents=True, exist_ok=True)
        (self.path / place).write_bytes(data)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize("kind", [REPLACED, ONCE, GROWS])
@pytest.mark.parametrize("data", [b"", b"forged", CONTENTS + b"!"])
def test_blob_that_is_here_stays_as_it_is(home: Home, kind: str, data: bytes) -> None:
    home.keep(blob_path(DIGEST), CONTENTS)
    home.receive(Part(path=blob_path(DIGEST), kind=kind, data=data))
    assert home.has(blob_path(DIGEST)) == CONTENTS


@pytest.mark.parametrize("large", [False, True])
def test_blob_is_taken_when_its_contents_are_those_of_its_name(home: Home, large: bool) -> None:
    contents = b"x" * (OBJECT_BYTES + 1) if large else CONTENTS
    digest = blake3(contents).hexdigest()
    home.remote.child("1").put(object_name(digest), contents)
    wrong = blob_path("0" * 64)
    if large:
        home.receive(
            Part(path=wrong, kind=ONCE, digest=digest), Part(path=blob_path(digest), kind=ONCE, digest=digest)
        )
    else:
        home.receive(
            Part(path=wrong, kind=ONCE, data=contents), Part(path=blob_path(digest), kind=ONCE, data=contents)
        )
    assert home.has(blob_path(digest)) == contents
    assert home.has(wrong) is None


@pytest.mark.parametrize(
    "part",
    [
        Part(path=JOURNAL, kind=REPLACED, data=b""),
        Part(path=JOURNAL, kind=GROWS, offset=6, data=b"forged\n"),
        Part(path="runs/theirs/journal/another.jsonl", kind=GROWS, data=b"forged\n"),
        Part(path="runs/theirs/outputs/3.tail", data=b"forged"),
        Part(path="runs/../journal/w.jsonl", data=b"forged"),
        Part(path="runs/a\0b/journal/w.jsonl", data=b"forged"),
    ],
)
def test_run_that_is_here_already_is_not_the_workers_to_change(home: Home, part: Part) -> None:
    home.keep(JOURNAL, b"begun\n")
    home.receive(part)
    files = {each for each in (home.path / "runs").rglob("*") if each.is_file()}
    assert {each: each.read_bytes() for each in files} == {home.path / JOURNAL: b"begun\n"}
    assert not (home.path / "active").exists()


def test_run_of_the_worker_goes_on_whoever_fetches_it(home: Home) -> None:
    home.receive(Part(path=JOURNAL, kind=GROWS, data=b"one\n"))
    assert (home.path / "active" / "theirs.w").exists()
    home.receive(
        Part(path=JOURNAL, kind=GROWS, offset=4, data=b"two\n"), Part(path="runs/theirs/outputs/3", data=b"x")
    )
    assert (home.has(JOURNAL), home.has("runs/theirs/outputs/3")) == (b"one\ntwo\n", b"x")
    home.receive(Part(path=JOURNAL, kind=REPLACED, data=b"one\n"))
    assert home.has(JOURNAL) == b"one\ntwo\n"


def test_run_is_noted_as_the_workers_before_anything_of_it_is_here(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or an agent that is killed meanwhile would leave the next one with a run of nobody's."""

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    home.send(Part(path=JOURNAL, kind=GROWS, data=b"one\n"))
    with monkeypatch.context() as patch:
        patch.setattr("jupyter_mlops.executors.staging_pulls._sync", die)
        with pytest.raises(Killed):
            home.pull()
    assert home.has(JOURNAL) == b"one\n"
    home.pull()
    home.receive(Part(path=JOURNAL, kind=GROWS, offset=4, data=b"two\n"))
    assert home.has(JOURNAL) == b"one\ntwo\n"


def test_run_that_a_worker_has_begun_is_its_own_though_it_was_ended_from_here_first(home: Home) -> None:
    started = Started(process=current_process(), run_id="theirs", started_at=time.time())
    place = f"{attempt_path(KEY.job_id, KEY.attempt)}/started.json"
    home.receive(Part(path=place, kind=ONCE, data=encode_entity(started)))
    home.keep("runs/theirs/journal/agent.jsonl", b"ended\n")
    home.receive(Part(path=JOURNAL, kind=GROWS, data=b"one\n"))
    assert home.has(JOURNAL) == b"one\n"
