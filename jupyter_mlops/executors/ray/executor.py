"""Jobs on a Ray cluster.

Ray keeps the queue: it starts what finds room, whatever was submitted first; it knows of no priorities, time
limits or dependencies. Those limits are the worker's own here, and dependencies the agent's.

A job is known to Ray as ``mlops-<job id>-<attempt>``. What Ray was given, and whether it has taken that, lies
in the attempt's folder (``record``): any agent can go on from there. Ray forgets its jobs when its head is
lost, and fails those that have waited for 15 minutes: a job that has not begun is then sent again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...capture.processes import is_alive
from ...config import Settings
from ...entities import Cause, JobSpec
from ...errors import InvalidInput, MlopsError, Unavailable
from ...protocols.jobs import Begun, Cluster, Launch, Outlook, Presence, Sighting
from ..handover import FILE as HANDOVER
from ..handover import withdraw
from ..process import kill_all, processes_of
from ..staging import Staging
from .api import RayJob
from .asking import Answer
from .capacity import Request, in_use, never, outlook, spoken_request
from .clusters import Clusters
from .options import RayOptions, read_options
from .record import Record, attempt_folder, read_record, submission_id
from .states import end_of, gave_up_waiting
from .submitting import request_of, submission_of

LOOK_WAIT_S = 0.3
ASK_WAIT_S = 10.0
OUTLOOK_WAIT_S = 1.0
REPORT_LAG_S = 10.0
"""How long the cluster's report may not show what was handed over."""
FILES_LATE_S = 3.0
"""How much later than Ray's word a worker's last files may be seen on a network file system."""
KILL_WAIT_S = 1.0
REMEMBERED = 50

Key = tuple[str, int]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Upload:
    """An attempt whose files are on their way, what stands in their way, or why it will never begin."""

    launch: Launch
    trouble: str = "its files are on their way"
    refusal: str = ""


class RayExecutor:
    """Hands jobs over to Ray; satisfies ``protocols.jobs.Cluster``."""

    keeps_queue = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._staging = Staging.of(settings)
        self._clusters = Clusters(settings)
        self._lock = threading.Lock()
        self._records: dict[Key, Record] = {}
        self._uploads: dict[Key, _Upload] = {}
        self._answers: dict[str, Answer[dict[str, RayJob]]] = {}
        self._lately: list[tuple[float, str, Request]] = []
        self._since: dict[Key, tuple[str, float]] = {}

    @property
    def shares_files(self) -> bool:
        return self._staging is None

    def refusal(self, spec: JobSpec) -> str:
        try:
            options = _options(spec)
            address = self._clusters.address(options)
        except MlopsError as error:
            return error.message
        room = self._clusters.at(address).room.answer(wait_s=ASK_WAIT_S).get()
        return never(request_of(spec, options), room, address)

    def outlook(self, spec: JobSpec) -> Outlook:
        options = _options(spec)
        address = self._clusters.address(options)
        room = self._clusters.at(address).room.answer(wait_s=OUTLOOK_WAIT_S).get()
        recent = time.monotonic() - REPORT_LAG_S
        handed_over = [each for at, where, each in self._lately if where == address and at > recent]
        return outlook(request_of(spec, options), room, handed_over)

    def start(self, launch: Launch) -> bool:
        """Only notes it: threads upload its files and send it, and try again as long as nobody answers."""
        begun = Begun(job_id=launch.job_id, attempt=launch.attempt, folder=launch.folder)
        record = self._record(begun)
        if record is None and self._staging is not None:
            upload = self._uploads[_key(begun)] = _Upload(launch)
            self._go_on(begun, upload)
        elif record is None:
            self._hand_over(begun, launch)
        elif not record.sent:
            self._send(begun, record)
        return True

    def look(self, begun: Sequence[Begun]) -> None:
        if self._staging is not None:
            self._staging.pull(begun)
        keys = {_key(each) for each in begun}
        with self._lock:
            self._records = {key: record for key, record in self._records.items() if key in keys}
        self._since = {key: since for key, since in self._since.items() if key in keys}
        self._uploads = {key: upload for key, upload in self._uploads.items() if key in keys}
        for each in begun:
            if (upload := self._uploads.get(_key(each))) is not None:
                self._go_on(each, upload)
        folders: dict[str, list[Path]] = {}
        for each in begun:
            if (record := self._known(each)) is not None:
                folders.setdefault(record.address, []).append(each.folder)
        for address, there in folders.items():
            self._clusters.note_jobs(address, there)
            self._answers[address] = self._clusters.at(address).jobs.answer(wait_s=LOOK_WAIT_S)
        for each in begun:
            record = self._known(each)
            if record is not None and not record.sent:
                self._send(each, record)

    def sight(self, begun: Begun) -> Sighting:
        """First what the worker's process shows, then Ray's word; where neither speaks, the record's."""
        if begun.process is not None and is_alive(begun.process):
            return Sighting(presence=Presence.ALIVE)
        try:
            record = self._record(begun)
        except InvalidInput as error:
            return Sighting(presence=Presence.UNKNOWN, reason=error.message)
        if record is None:
            return self._sight_upload(begun)
        if not record.sent and begun.process is None:
            return self._sight_unsent(begun, record)
        answer = self._answers.get(record.address)
        if answer is None or answer.value is None:
            return _sight_unanswered(begun, "" if answer is None else answer.trouble)
        job = answer.value.get(record.id)
        if job is None:
            return self._sight_forgotten(begun, record, answer)
        if job.status == "PENDING":
            return Sighting(presence=Presence.WAITING, reason=self._why_it_waits(begun, record))
        if not job.has_ended:
            reason = "Ray starts its worker" if begun.process is None else ""
            return Sighting(presence=Presence.ALIVE, reason=reason)
        return self._sight_ended(begun, record, job)

    def interrupt(self, begun: Begun) -> None:
        if begun.process is None:
            self._call_off(begun)
            return
        if self._staging is not None:
            self._staging.interrupt(begun)
        if (record := self._known(begun)) is not None:
            self._stop(record)

    def kill(self, begun: Begun) -> bool:
        """Those of its processes that run on this host are killed from here, the others by Ray."""
        none_here = kill_all(lambda: processes_of(begun.job_id), timeout_s=KILL_WAIT_S)
        if begun.process is None:
            self._call_off(begun)
            return none_here  # whatever Ray still starts finds nothing to do
        record = self._known(begun)
        if record is None:
            return none_here
        answer = self._answers.get(record.address)
        jobs = answer.value if answer is not None else None
        job = jobs.get(record.id) if jobs is not None else None
        if job is not None and job.has_ended:
            return none_here
        self._stop(record)
        if job is not None:
            return False
        patience_s = self._settings.silent_after_s if jobs is None else 2 * self._settings.heartbeat_s
        return none_here and (is_alive(begun.process) is False or self._silent_s(begun) > patience_s)

    def _hand_over(self, begun: Begun, launch: Launch) -> bool:
        """Have it sent; False as long as its files are on their way. Raises what makes that impossible."""
        options = _options(launch.spec)
        address = self._clusters.address(options, folder=launch.folder)
        request = submission_of(launch, options, self._settings, self._staging)
        if request is None:
            return False
        record = Record(
            id=submission_id(launch.job_id, launch.attempt),
            address=address,
            request=request,
            handed_over_at=time.time(),
        )
        self._keep(begun, record)
        self._clusters.note_jobs(address, [launch.folder])
        amounts = request_of(launch.spec, options, exclusive=launch.exclusive)
        self._lately = [*self._lately[-REMEMBERED:], (time.monotonic(), address, amounts)]
        self._send(begun, record)
        return True

    def _go_on(self, begun: Begun, upload: _Upload) -> None:
        """Hand it over if its files have arrived. Whatever goes wrong is this job's alone."""
        if upload.refusal:
            return
        try:
            if self._hand_over(begun, upload.launch):
                self._uploads.pop(_key(begun), None)
        except Unavailable as error:
            upload.trouble = f"its files cannot be sent: {error.message}"
        except (MlopsError, OSError) as error:
            upload.refusal = str(error)
        except Exception as error:
            logger.exception("Job %s cannot be handed over to Ray", begun.job_id)
            upload.refusal = f"{type(error).__name__}: {error}"

    def _sight_upload(self, begun: Begun) -> Sighting:
        """Of an attempt that Ray has not been given."""
        upload = self._uploads.get(_key(begun))
        if begun.process is not None:
            return Sighting(presence=Presence.UNKNOWN)
        if upload is None:
            return Sighting(presence=Presence.ABSENT)
        if upload.refusal:
            return Sighting(presence=Presence.GONE, reason=upload.refusal, cause=Cause.START)
        return Sighting(presence=Presence.WAITING, reason=upload.trouble)

    def _sight_unsent(self, begun: Begun, record: Record) -> Sighting:
        errands = self._clusters.at(record.address).errands
        if refusal := errands.refusal(record.id):
            return Sighting(presence=Presence.GONE, reason=refusal, cause=Cause.START)
        reason = errands.trouble(record.id) or "is being handed over to Ray"
        return Sighting(presence=Presence.WAITING, reason=reason)

    def _sight_forgotten(self, begun: Begun, record: Record, answer: Answer[dict[str, RayJob]]) -> Sighting:
        """Ray has no such job: its head was lost and another came, or somebody deleted it.

        A head takes all workers with it when it goes; one elsewhere that still gives signs of life is left.
        """
        cluster = self._clusters.at(record.address)
        if answer.asked_at <= cluster.sent_at.get(record.id, 0.0):
            presence = Presence.WAITING if begun.process is None else Presence.UNKNOWN
            return Sighting(presence=presence, reason="was handed over to Ray just now")
        reason = f"Ray at {record.address} no longer knows it: its head was lost, or somebody deleted the job"
        if begun.process is None:
            if self._settled_s(begun, "forgotten") < FILES_LATE_S:
                return Sighting(presence=Presence.WAITING, reason=reason)
            return self._send_again(begun, record, reason)
        if is_alive(begun.process) is None and self._silent_s(begun) < 2 * self._settings.heartbeat_s:
            return Sighting(presence=Presence.UNKNOWN, reason=reason)
        if not self._has_all_files(begun):
            return Sighting(presence=Presence.UNKNOWN, reason=reason)
        return Sighting(presence=Presence.GONE, reason=reason, cause=Cause.NODE)

    def _sight_ended(self, begun: Begun, record: Record, job: RayJob) -> Sighting:
        """Ray's word, once all is here that the worker may have said itself."""
        if gave_up_waiting(job) and begun.process is None:
            return self._send_again(begun, record, "Ray gave up waiting for room")
        late = begun.process is None or is_alive(begun.process) is None
        if (late and self._settled_s(begun, job.status) < FILES_LATE_S) or not self._has_all_files(begun):
            presence = Presence.WAITING if begun.process is None else Presence.UNKNOWN
            return Sighting(presence=presence, reason="Ray says that its worker has ended")
        if begun.process is None:
            self._keep_what_ray_says(begun, job)
        return end_of(job, has_begun=begun.process is not None)

    def _send_again(self, begun: Begun, record: Record, reason: str) -> Sighting:
        """It has not begun, and an attempt begins but once whatever is sent."""
        if self._staging is None and not (attempt_folder(begun) / HANDOVER).exists():
            gone = f"its worker had been started and did not begin; {reason}"
            return Sighting(presence=Presence.GONE, reason=gone, cause=Cause.START)
        unsent = record.as_unsent()
        self._keep(begun, unsent)
        self._send(begun, unsent)
        return Sighting(presence=Presence.WAITING, reason=f"{reason}; it is handed over again")

    def _why_it_waits(self, begun: Begun, record: Record) -> str:
        """Ray's reasons are not to be had; these are what can be seen."""
        wanted = {
            "CPU": record.request.get("entrypoint_num_cpus") or 0,
            "GPU": record.request.get("entrypoint_num_gpus") or 0,
            "memory": record.request.get("entrypoint_memory") or 0,
            **(record.request.get("entrypoint_resources") or {}),
        }
        wanted = {name: float(amount) for name, amount in wanted.items() if amount}
        room = self._clusters.at(record.address).room.answer(wait_s=0).value
        taken = in_use(wanted, room) if room is not None else ""
        return f"waits on Ray for {spoken_request(wanted)}" + (f": {taken}" if taken else "")

    def _keep_what_ray_says(self, begun: Begun, job: RayJob) -> None:
        """In the job's log, of a worker that had no chance to write there itself."""
        log = attempt_folder(begun) / "log.txt"
        if job.message and (not log.exists() or not log.stat().st_size):
            log.write_text(job.message.rstrip() + "\n")

    def _has_all_files(self, begun: Begun) -> bool:
        return self._staging is None or self._staging.has_all(begun)

    def _settled_s(self, begun: Begun, state: str) -> float:
        """How long this has been seen of it, and nothing else."""
        now = time.monotonic()
        known, since = self._since.get(_key(begun), ("", now))
        if known != state:
            self._since[_key(begun)] = state, now
            return 0.0
        return now - since

    def _silent_s(self, begun: Begun) -> float:
        """How long its worker's last sign of life has been the last, as far as this process has watched."""
        try:
            beat = (attempt_folder(begun) / "started.json").stat().st_mtime_ns
        except OSError:
            beat = 0
        return self._settled_s(begun, f"beat {beat}")

    def _send(self, begun: Begun, record: Record) -> None:
        """Have it sent, once: what Ray has already, or has refused, is not sent again."""
        cluster = self._clusters.at(record.address)
        if not cluster.errands.refusal(record.id):
            cluster.send(record, sent=lambda: self._keep(begun, record.as_sent()))

    def _call_off(self, begun: Begun) -> None:
        """See to it that an attempt that has not begun never does."""
        withdraw(attempt_folder(begun))
        self._uploads.pop(_key(begun), None)
        if self._staging is not None:
            self._staging.interrupt(begun)
        record = self._known(begun)
        if record is None:
            return
        dropped = self._clusters.at(record.address).errands.drop(record.id)
        if record.sent or not dropped:
            self._stop(record)

    def _stop(self, record: Record) -> None:
        self._clusters.at(record.address).stop(record.id)

    def _known(self, begun: Begun) -> Record | None:
        """The record; None also where it is damaged: a sighting says so, and no other job is hidden."""
        try:
            return self._record(begun)
        except InvalidInput:
            return None

    def _record(self, begun: Begun) -> Record | None:
        with self._lock:
            known = self._records.get(_key(begun))
        if known is None and (known := read_record(attempt_folder(begun))) is not None:
            with self._lock:
                known = self._records.setdefault(_key(begun), known)
        return known

    def _keep(self, begun: Begun, record: Record) -> None:
        record.write(attempt_folder(begun))
        with self._lock:
            self._records[_key(begun)] = record


def _options(spec: JobSpec) -> RayOptions:
    return read_options(spec.options.get("ray", {}), cwd=Path(spec.cwd))


def _key(begun: Begun) -> Key:
    return begun.job_id, begun.attempt


def _sight_unanswered(begun: Begun, trouble: str) -> Sighting:
    """Nobody answers: of a worker of this host it is known all the same that it is gone."""
    if begun.process is None:
        return Sighting(presence=Presence.WAITING, reason=trouble)
    if is_alive(begun.process) is False:
        reason = f"its worker (process {begun.process.pid}) is gone, and so is Ray: {trouble}"
        return Sighting(presence=Presence.GONE, reason=reason, cause=Cause.NODE)
    return Sighting(presence=Presence.UNKNOWN, reason=trouble)


if TYPE_CHECKING:
    _SATISFIES: Callable[[Settings], Cluster] = RayExecutor
