"""What every store of seals must do; subclass it and give the fixtures ``seals`` and ``jobs``."""

from __future__ import annotations

from dataclasses import replace

from ..entities import Job, JobStatus
from ..protocols.jobs import JobStore
from ..protocols.sealing import JOB, RUN, WHOLE, Sealed, SealStore
from .jobs import job_spec

RUN_ID = "01hzzzzzzzzzzzzzzzzzzzzzr1"


def sealed(path: str = "journal/w1.jsonl", **changes: object) -> Sealed:
    """A row of a journal, but for what ``changes`` say."""
    row = Sealed(
        kind=RUN,
        id=RUN_ID,
        path=path,
        digest="a" * 64,
        size_bytes=12,
        home="home-of-ada",
        user="ada",
        sealed_at=1234.5,
        names=["b" * 64],
    )
    return replace(row, **changes)  # type: ignore[arg-type]


class SealStoreContract:
    """Inherit as ``class TestMine(SealStoreContract)``; both stores use one empty database."""

    def test_what_was_added_is_there_by_path(self, seals: SealStore) -> None:
        tail, journal = sealed("outputs/1.texts.jsonl"), sealed()
        seals.add([tail, journal])
        seals.add([sealed(id="another")])
        assert seals.of(RUN, RUN_ID) == [journal, tail]
        assert seals.of(JOB, RUN_ID) == []

    def test_file_that_is_sealed_again_has_one_row(self, seals: SealStore) -> None:
        seals.add([sealed()])
        again = sealed(digest="c" * 64, size_bytes=20, names=[])
        seals.add([again])
        assert seals.of(RUN, RUN_ID) == [again]

    def test_sizes_are_those_of_one_home(self, seals: SealStore) -> None:
        seals.add([sealed(), sealed("journal/w2.jsonl", home="home-of-bob", size_bytes=99)])
        assert seals.sizes("home-of-ada", RUN, [RUN_ID, "another"]) == {(RUN_ID, "journal/w1.jsonl"): 12}

    def test_journals_are_told_run_by_run_without_names(self, seals: SealStore) -> None:
        seals.add([sealed(id="2"), sealed(id="1"), sealed("journal/w0.jsonl", id="2")])
        seals.add([sealed("outputs/x.json", id="1"), sealed("attempts/1/log.txt", kind=JOB)])
        assert [(each.id, each.path, each.names) for each in seals.journals()] == [
            ("1", "journal/w1.jsonl", []),
            ("2", "journal/w0.jsonl", []),
            ("2", "journal/w1.jsonl", []),
        ]

    def test_jobs_to_seal_are_those_that_have_ended_and_are_not_whole(
        self, seals: SealStore, jobs: JobStore
    ) -> None:
        states = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.QUEUED, JobStatus.LOST)
        whole, partly, queued, not_asked_for = (
            jobs.add(Job(spec=job_spec(submitted_at=1e9 + place), status=status)).id
            for place, status in enumerate(states)
        )
        seals.add([sealed(WHOLE, kind=JOB, id=whole), sealed("input.ipynb", kind=JOB, id=partly)])
        assert seals.unsealed_jobs([queued, partly, whole, "unknown"]) == [partly]
        assert seals.unsealed_jobs([not_asked_for, partly]) == [partly, not_asked_for]
