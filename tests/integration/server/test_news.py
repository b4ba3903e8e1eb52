"""What counts as news of a job: its row, and what it shows of its run."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from jupyter_mlops.entities import Job, JobStatus, Progress
from jupyter_mlops.server.news import News
from jupyter_mlops.testing.jobs import queued_job


class Queue:
    """Jobs whose rows never change: all news is of their runs."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def refresh(self) -> None: ...

    def changes(self, since: int) -> tuple[int, list[str]]:
        return 7, []

    def search(self, *, status: JobStatus, limit: int) -> list[Job]:
        return [self.job] if self.job.status is status else []


def watching(queue: Queue):
    """News of a workspace with these jobs, and the question that the watcher asks."""
    news = News(SimpleNamespace(jobs=queue))
    _, jobs, *_ = news.sources()
    jobs.changes(0)
    return news, lambda: jobs.changes(7)


def running() -> Job:
    return replace(queued_job(), status=JobStatus.RUNNING, run_id="r", progress=Progress(done=1, total=9))


def test_progress_of_a_jobs_run_is_news_of_the_job_once():
    queue = Queue(running())
    _, ask = watching(queue)
    assert ask() == (7, {"jobs": []})
    queue.job = replace(queue.job, progress=Progress(done=2, total=9))
    assert ask() == (7, {"jobs": [queue.job.id]})
    assert ask() == (7, {"jobs": []})


def test_jobs_are_open_until_the_last_has_ended():
    queue = Queue(running())
    news, ask = watching(queue)
    assert news.jobs_are_open
    queue.job = replace(queue.job, status=JobStatus.SUCCEEDED)
    ask()
    assert not news.jobs_are_open
