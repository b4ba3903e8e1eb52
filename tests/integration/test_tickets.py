"""The queue that several users' agents share: real files, real processes, and several users where that can be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from jupyter_mlops.capture.processes import current_process, process_of
from jupyter_mlops.config import Settings
from jupyter_mlops.entities import GpuSlot, Process
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.executors.gpus import GpuPool, give_back
from jupyter_mlops.executors.leases import Holder, Lease
from jupyter_mlops.executors.ticket_files import user_name
from jupyter_mlops.executors.tickets import STOPPED_AFTER_S, TOUCH_EVERY_S, Tickets
from jupyter_mlops.protocols.jobs import SlotRoom, Standings, Wish
from jupyter_mlops.services.jobs.placement import place
from tests.unit.wishes import capacity, given, running, wish
from tests.waiting import wait_until

GPUS = ["GPU-0", "GPU-1"]
SLOTS = [GpuSlot(uuid=f"GPU-{number}", index=number, name="GPU", virtual=True) for number in range(3)]
ME = user_name(os.getuid())
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can be several users")


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Agents:
    """Agents of several homes on one machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.quotas = folder / "quotas.json"
        self.clock, self.monotonic = Clock(), Clock()

    def settings(self, home: str) -> Settings:
        return Settings(
            home=self.folder / home,
            runtime_dir=self.folder,
            leases_dir=self.folder / "leases",
            user="ada",
            quotas=str(self.quotas),
        )

    def agent(self, home: str, *, real_time: bool = True) -> Tickets:
        if real_time:
            return Tickets(self.settings(home))
        return Tickets(self.settings(home), clock=self.clock, monotonic=self.monotonic)

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.monotonic.now += seconds

    def ticket(self) -> Path:
        (path,) = (self.folder / "leases").glob("queue-*.ticket")
        return path


@pytest.fixture
def agents() -> Iterator[Agents]:
    """In a folder that other users reach, as the host-wide one is."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield Agents(folder)
    shutil.rmtree(folder)


def seen(tickets: Tickets, *wishes: Wish, processes: dict[str, Process] | None = None) -> list[Wish]:
    return tickets.queue_up(list(wishes), processes or {}, GPUS)


def test_agents_see_what_the_jobs_of_others_want_and_hold(agents):
    first, second = agents.agent("a"), agents.agent("b")
    waits, runs = wish("waits", gpus=1, priority=3, time_limit_s=60.0), running("runs", gpus=0.5, held=[1])
    assert seen(first, waits, runs) == []
    theirs = {"owner": ME, "mine": False}
    assert seen(second, wish("other")) == [
        replace(runs, **theirs),
        replace(waits, **theirs, among=tuple(GPUS)),
    ]
    assert [each.job_id for each in seen(first, waits)] == ["other"]
    assert [each.job_id for each in seen(second)] == ["waits"]
    assert seen(first, waits) == []


def test_job_that_wants_a_gpu_where_an_agent_has_none_keeps_nobody_waiting(agents):
    without, other = agents.agent("a"), agents.agent("b")
    without.queue_up([wish("cpu"), wish("gpu", gpus=1)], {}, [])
    assert [each.job_id for each in seen(other)] == ["cpu"]


def test_ticket_is_written_only_when_it_says_something_new_or_is_old(agents):
    tickets = agents.agent("a", real_time=False)
    seen(tickets, wish(1))
    before = agents.ticket().stat()
    seen(tickets, wish(1))
    assert agents.ticket().stat().st_ino == before.st_ino
    agents.pass_time(TOUCH_EVERY_S)
    seen(tickets, wish(1))
    assert agents.ticket().stat().st_ino != before.st_ino


def test_very_many_that_wait_do_not_make_a_ticket_long(agents):
    first, second = agents.agent("a"), agents.agent("b")
    seen(first, *(wish(n, priority=n % 2) for n in range(1000)), running("runs"))
    others = seen(second)
    assert len(others) == 201
    assert others[0].job_id == "runs"
    assert {each.priority for each in others[1:]} == {1}
    assert agents.ticket().stat().st_size < 100_000


def test_agent_that_does_not_move_keeps_nobody_waiting_and_holds_what_it_runs(agents):
    stopped, other = agents.agent("a"), agents.agent("b")
    seen(stopped, wish("waits"), running("runs"))
    old = agents.ticket().stat().st_mtime - STOPPED_AFTER_S - 5
    os.utime(agents.ticket(), (old, old))
    assert [each.job_id for each in seen(other)] == ["runs"]


class TestLock:
    """The lock of a ticket, in a folder that something clears of old files."""

    def test_it_is_touched_with_the_ticket(self, agents):
        tickets = agents.agent("a", real_time=False)
        seen(tickets, wish("waits"))
        lock = agents.ticket().with_suffix(".lock")
        os.utime(lock, (1, 1))
        agents.pass_time(TOUCH_EVERY_S)
        seen(tickets, wish("waits"))
        assert min(lock.stat().st_atime, lock.stat().st_mtime) > time.time() - 60

    @pytest.mark.parametrize("cleared", [["lock"], ["lock", "ticket"]])
    def test_agent_whose_lock_was_cleared_away_is_soon_seen_alive_again(self, agents, cleared):
        tickets, other = agents.agent("a", real_time=False), agents.agent("b")
        seen(tickets, wish("waits"))
        for kind in cleared:
            agents.ticket().with_suffix(f".{kind}").unlink()
        assert seen(other) == []
        agents.pass_time(TOUCH_EVERY_S)
        seen(tickets, wish("waits"))
        assert [each.job_id for each in seen(other)] == ["waits"]

    def test_agent_that_had_nothing_to_do_for_weeks_is_seen_at_once(self, agents):
        tickets, other = agents.agent("a", real_time=False), agents.agent("b")
        seen(tickets, wish("early"))
        seen(tickets)
        agents.pass_time(20 * 86400)
        agents.ticket().with_suffix(".lock").unlink()
        agents.ticket().unlink()
        seen(tickets, wish("late"))
        assert [each.job_id for each in seen(other)] == ["late"]


class TestKilledAgent:
    """Another process, which was killed."""

    @pytest.fixture
    def killed(self, agents: Agents) -> None:
        """It has told of a job that waits, of one that this process runs, and of one whose worker is dead."""
        dead = subprocess.Popen([sys.executable, "-c", ""])
        worker = process_of(dead.pid) or current_process()
        dead.wait()
        program = """
seen(tickets, wish("waits"), running("lives", cpus=3), running("dead"), processes=processes)
        """
        processes = {"lives": current_process(), "dead": replace(worker, start_ticks=1)}
        other = another(agents, program, processes=processes)
        other.kill()
        other.wait()

    @pytest.mark.usefixtures("killed")
    def test_what_it_wanted_is_forgotten_and_what_runs_on_is_not(self, agents):
        assert [(each.job_id, each.resources.cpus) for each in seen(agents.agent("b"))] == [("lives", 3)]

    @pytest.mark.usefixtures("killed")
    def test_its_successor_has_its_ticket(self, agents):
        seen(agents.agent("killed"), wish("waits"))
        assert len(list((agents.folder / "leases").glob("queue-*.ticket"))) == 1
        assert [each.job_id for each in seen(agents.agent("b"))] == ["waits"]


def run_jobs(agents: Agents, tickets: Tickets, *, jobs: int = 4, lasts_s: float = 0.05) -> None:
    """Be an agent that decides, leases and gives back until its jobs are done; a real agent's turn, in short."""
    pool = GpuPool(agents.settings("home"))
    pool._slots = SLOTS
    left = {f"{os.getuid()}-{n}": wish(f"{os.getuid()}-{n}", gpus=1, at=float(n)) for n in range(jobs)}
    kept: dict[str, tuple[float, list[Lease]]] = {}

    def turn() -> bool:
        for job_id in [each for each in kept if time.monotonic() - kept[each][0] > lasts_s]:
            give_back(kept.pop(job_id)[1])
            del left[job_id]
        mine = [
            replace(each, running_since=0.0, gpus=(kept[job_id][1][0].slot.uuid,)) if job_id in kept else each
            for job_id, each in left.items()
        ]
        everyone = [*mine, *tickets.queue_up(mine, {}, [slot.uuid for slot in SLOTS])]
        there = capacity(
            rooms=pool.room(),
            cpus=100,
            runs=[each for each in everyone if each.running_since is not None],
            standings=tickets.standings(),
            now=time.time(),
        )
        for start in place([each for each in everyone if each.running_since is None], there).starts:
            holder = Holder(job_id=start.job_id, user="x", uid=os.getuid(), pid=os.getpid())
            if (leases := pool.lease(start.slots, holder)) is not None:
                kept[start.job_id] = time.monotonic(), leases
        return not left

    wait_until(turn, message=lambda: f"left: {list(left)}")


PROGRAM = """
import fcntl, os, pwd, sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from jupyter_mlops.entities import Process
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.executors.ticket_files import Ticket
from jupyter_mlops.wire import decode
from tests.integration.test_tickets import Agents, run_jobs, seen
from tests.unit.wishes import running, wish
if {uid} != os.getuid():
    os.setgroups([])
    os.setgid({uid})
    os.setuid({uid})
processes = decode({processes!r}, dict[str, Process])
agents = Agents(Path({folder!r}))
tickets = agents.agent({home!r})
{program}
print("ready", flush=True)
time.sleep(600)
"""


def another(
    agents: Agents,
    program: str,
    *,
    processes: dict[str, Process] | None = None,
    home: str = "killed",
    uid: int = 0,
) -> subprocess.Popen[str]:
    """An agent in a process of its own, of another user where ``uid`` says so; it has done ``program``."""
    from jupyter_mlops.wire import encode

    text = PROGRAM.format(
        path=sys.path,
        uid=uid or os.getuid(),
        folder=str(agents.folder),
        home=home,
        processes=encode(processes or {}),
        program=program.strip(),
    )
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, cwd="/")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


class TestAccounts:
    """What somebody has had of the GPUs."""

    def had(self, tickets: Tickets) -> float:
        return tickets.standings().of[ME].recent_gpu_h

    def test_gpu_hours_are_counted_while_jobs_run(self, agents):
        tickets = agents.agent("a", real_time=False)
        half, whole = running("half", gpus=0.5, cpus=0), running("whole", gpus=2, cpus=0)
        seen(tickets, half)
        agents.pass_time(3600)
        seen(tickets, half, whole)
        agents.pass_time(1800)
        seen(tickets)
        standing = tickets.standings().of[ME]
        assert standing.used_gpu_h == pytest.approx(0.5 + 0.25 + 1.0)
        assert standing.recent_gpu_h == pytest.approx(1.75, rel=0.05)
        agents.pass_time(7200)
        seen(tickets, wish("waits", gpus=1))
        assert tickets.standings().of[ME].used_gpu_h == pytest.approx(1.75)

    def test_older_ones_count_less_and_after_days_not_against_a_quota(self, agents):
        agents.quotas.write_text('{"half_life_h": 10, "days": 2}')
        tickets = agents.agent("a", real_time=False)
        seen(tickets, running("r", gpus=1, cpus=0))
        agents.pass_time(3600)
        seen(tickets)
        before = self.had(tickets)
        agents.pass_time(10 * 3600)
        seen(tickets, wish("w"))
        assert self.had(tickets) == pytest.approx(before / 2)
        agents.pass_time(2 * 86400)
        seen(tickets)
        assert tickets.standings().of[ME].used_gpu_h == 0

    def test_who_computes_on_cpus_only_takes_turns_too(self, agents):
        tickets = agents.agent("a", real_time=False)
        seen(tickets, running("r", cpus=10))
        agents.pass_time(3600)
        seen(tickets)
        assert self.had(tickets) == pytest.approx(0.1)
        assert tickets.standings().of[ME].used_gpu_h == 0

    def test_it_goes_on_when_the_agent_is_replaced_while_its_jobs_run(self, agents):
        seen(first := agents.agent("a", real_time=False), running("r", gpus=1, cpus=0))
        os.close(first._lock_fd)  # as its death does
        agents.pass_time(3600)
        second = agents.agent("a", real_time=False)
        seen(second, running("r", gpus=1, cpus=0), running("new", gpus=1, cpus=0))
        assert second.standings().of[ME].used_gpu_h == pytest.approx(1.0, rel=0.01)

    def test_clock_that_is_set_charges_nothing(self, agents):
        tickets = agents.agent("a", real_time=False)
        run = running("r", gpus=1, cpus=0)
        seen(tickets, run)
        for jump in (-86400.0, 7 * 86400.0):
            agents.clock.now += jump
            agents.monotonic.now += TOUCH_EVERY_S
            seen(tickets, run)
        assert self.had(tickets) < 0.02

    def test_homes_of_one_user_are_counted_together(self, agents):
        first, second = agents.agent("a", real_time=False), agents.agent("b", real_time=False)
        for tickets in (first, second):
            seen(tickets, running("r", gpus=1, cpus=0))
        agents.pass_time(3600)
        for tickets in (first, second, first):
            seen(tickets)
        assert first.standings().of[ME].used_gpu_h == pytest.approx(2.0)
        assert second.standings().of[ME].used_gpu_h == pytest.approx(2.0)


class TestQuotas:
    def test_they_are_as_the_administrator_has_written(self, agents):
        agents.quotas.write_text(
            json.dumps(
                {"gpus": 2, "gpu_hours": 9, "priority": 5, "users": {ME: {"gpus": 1, "gpu_hours": None}}}
            )
        )
        tickets = agents.agent("a")
        seen(tickets)
        mine, anybody = tickets.standings().of[ME], tickets.standings().anybody
        assert (mine.max_gpus, mine.max_gpu_h, mine.max_priority) == (1, None, 5)
        assert (anybody.max_gpus, anybody.max_gpu_h) == (2, 9)
        assert tickets.refusal(wish("w", gpus=2).resources) == (
            f"The job wants 2 GPUs, and {ME} may hold 1 at once here."
        )
        assert tickets.refusal(wish("w", gpus=1).resources) == ""

    def test_who_has_used_them_up_waits_and_keeps_nobody_waiting(self, agents):
        agents.quotas.write_text('{"gpu_hours": 1, "days": 1}')
        tickets = agents.agent("a", real_time=False)
        seen(tickets, running("r", gpus=1))
        agents.pass_time(2 * 3600)
        seen(tickets)
        there = capacity(standings=tickets.standings())
        placement = place([wish(1, gpus=1), wish(2), wish(3, gpus=1, owner="eve", mine=False)], there)
        assert list(given(placement)) == ["2"]
        assert placement.waits == {"1": f"waits: {ME} has used 2.0 of 1 GPU-hours in 1 days here"}

    def test_changed_file_is_read_again_and_a_damaged_one_is_said_and_changes_nothing(self, agents, caplog):
        tickets = agents.agent("a")
        agents.quotas.write_text('{"gpus": 2}')
        seen(tickets)
        agents.quotas.write_text('{"gpu": 3}')
        seen(tickets)
        seen(tickets)
        assert tickets.standings().anybody.max_gpus == 2
        (said,) = caplog.messages
        assert str(agents.quotas) in said
        assert "unknown field `gpu`" in said
        agents.quotas.unlink()
        seen(tickets)
        assert tickets.standings().anybody.max_gpus is None

    @pytest.mark.parametrize("text", ['{"half_life_h": 0}', '{"days": 99}', "[]", '{"gpus": "two"}'])
    def test_nonsense_is_refused_with_the_files_name(self, agents, text):
        agents.quotas.write_text(text)
        with pytest.raises(InvalidInput, match=r"quotas\.json"):
            agents.agent("a").quotas()

    def test_file_that_everybody_may_write_is_not_believed(self, agents):
        agents.quotas.write_text('{"gpus": 2}')
        agents.quotas.chmod(0o666)
        with pytest.raises(InvalidInput, match="could be changed by others"):
            agents.agent("a").quotas()


class TestTrust:
    """The folder is everybody's to write."""

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\xff\xfe",
            b'{"wishes": 3}',
            b'{"wishes": [{"job_id": "x"}]}',
            b"[" * 100_000,
            b'{"account": {"recent_s": -1e9}}',
            b" " * (2 * 1024 * 1024),
        ],
    )
    def test_what_is_no_ticket_is_ignored(self, agents, content):
        first, second = agents.agent("a"), agents.agent("b")
        seen(first, wish("waits"))
        agents.ticket().write_bytes(content)
        assert seen(second, wish("w")) == []

    def test_wish_for_less_than_nothing_is_ignored(self, agents):
        first, second = agents.agent("a"), agents.agent("b")
        seen(first, running("gives", cpus=-100))
        assert seen(second) == []

    def test_links_and_pipes_are_ignored_and_hang_nobody(self, agents):
        first = agents.agent("a")
        seen(first, wish("waits"))
        folder, uid = agents.folder / "leases", os.getuid()
        (folder / f"queue-{uid}-link.ticket").symlink_to(agents.ticket())
        os.mkfifo(folder / f"queue-{uid}-pipe.ticket")
        (folder / f"queue-{uid}-folder.ticket").mkdir()
        assert [each.job_id for each in seen(agents.agent("b"))] == ["waits"]

    def test_job_of_ones_own_cannot_be_told_of_by_another(self, agents):
        first, second = agents.agent("a"), agents.agent("b")
        seen(first, wish("job", priority=9))
        assert seen(second, wish("job")) == []

    @as_root
    def test_file_in_the_name_of_another_user_is_ignored(self, agents):
        seen(agents.agent("a"), wish("waits"))
        forged = agents.ticket()
        os.chown(forged, 12345, 12345)
        assert seen(agents.agent("b")) == []

    def test_folder_that_cannot_be_used_is_said_once_and_each_is_alone(self, agents, caplog):
        (agents.folder / "leases").write_text("a file")
        tickets = agents.agent("a")
        assert [seen(tickets, wish(1)), seen(tickets, wish(1))] == [[], []]
        assert len(caplog.messages) == 1
        assert "cannot be shared" in caplog.text
        assert tickets.standings().me == ME


@as_root
class TestUsers:
    """Several users, each with processes of their own."""

    ADA, EVE = 12345, 12346

    @pytest.fixture
    def root(self, agents: Agents) -> Tickets:
        """The agent of this user, who has made the folder."""
        tickets = agents.agent("root")
        seen(tickets, wish("root's", at=1.0))
        return tickets

    def test_each_sees_the_jobs_of_all_others_under_their_names(self, agents, root):
        ada = another(agents, 'seen(tickets, wish("hers", at=2.0, owner="root"))', uid=self.ADA, home="ada")
        told = 'assert {each.owner for each in seen(tickets, wish("w"))} == {"root", "uid-12345"}'
        eve = another(agents, told, uid=self.EVE, home="eve")
        owners = {each.job_id: each.owner for each in seen(root, wish("root's"))}
        assert owners == {"hers": "uid-12345", "w": "uid-12346"}
        for process in (ada, eve):
            process.kill()
            process.wait()
        assert seen(root, wish("root's")) == []

    def test_nobody_can_write_in_anothers_name(self, agents, root):
        program = """
for path in agents.folder.glob("leases/queue-*"):
    for spoil in (path.unlink, lambda: path.write_bytes(b""), lambda: path.rename(path.with_name("x.ticket"))):
        try:
            spoil()
        except PermissionError:
            continue
        raise AssertionError(path)
forged = agents.folder / "leases" / "queue-0-forged.ticket"
forged.write_bytes(b'{"wishes":[{"job_id":"forged","owner":"root","priority":99,"submitted_at":0,"resources":{}}]}')
"""
        eve = another(agents, program, uid=self.EVE, home="eve")
        assert "forged" not in {each.job_id for each in seen(agents.agent("b"))}
        eve.kill()
        eve.wait()

    def test_place_that_another_has_taken_is_left_to_them(self, agents, root):
        """Somebody who knows the home's path could be there first."""
        token = Path(root._path).stem.removeprefix("queue-0-")
        program = """
for name in ("queue-12345-{}.lock", "queue-12345-{}.ticket"):
    (agents.folder / "leases" / name.format(tickets._token)).write_text("mine")
"""
        assert token
        eve = another(agents, program, uid=self.EVE, home="ada")
        ada = another(agents, 'seen(tickets, wish("hers"))', uid=self.ADA, home="ada")
        assert [each.job_id for each in seen(root, wish("w"))] == ["hers"]
        for process in (ada, eve):
            process.kill()
            process.wait()

    def test_users_take_turns_by_what_they_have_had(self, agents, root):
        program = """
agents.clock.now = time.time()
tickets = agents.agent("ada", real_time=False)
seen(tickets, running("r", gpus=1))
agents.pass_time(3600)
seen(tickets, wish("hers", at=0.0, gpus=2))
"""
        ada = another(agents, program, uid=self.ADA, home="ada")
        mine = wish("root's", at=1.0, gpus=2)
        others = seen(root, mine)
        assert root.standings().of["uid-12345"].used_gpu_h == pytest.approx(1.0)
        there = capacity(standings=root.standings(), now=2.0)
        assert list(given(place([mine, *others], there))) == ["root's"], "hers is older, but she has had more"
        without = replace(there, standings=Standings())
        assert list(given(place([mine, *others], without))) == []
        ada.kill()
        ada.wait()

    def test_each_users_agent_starts_its_own_jobs_only_and_no_gpu_twice(self, agents, root):
        """Three agents with more jobs than GPUs each decide for themselves, and lease what they decided."""
        program = "run_jobs(agents, tickets)"
        with ThreadPoolExecutor(3) as threads:
            uids = (self.ADA, self.EVE, 12347)
            done = [threads.submit(another, agents, program, uid=uid, home=str(uid)) for uid in uids]
            for each in done:
                process = each.result(timeout=120)
                process.kill()
                process.wait()

    def test_agents_that_are_killed_at_any_moment_leave_the_machine_to_the_others(self, agents, root):
        """Each has many jobs, goes before the survivor's, and holds GPUs when it is killed."""
        program = """
print("ready", flush=True)
run_jobs(agents, tickets, jobs=60, lasts_s=0.2)
"""
        random = Random(7)
        for turn in range(2):
            uids = (self.ADA, self.EVE, 12347)
            doomed = [another(agents, program, uid=uid, home=f"{uid}-{turn}") for uid in uids]
            wait_until(lambda: any(each.share == 0 for each in _room(agents)), message="nobody leases")
            for process in random.sample(doomed, len(doomed)):
                until = time.monotonic() + random.uniform(0, 0.2)
                wait_until(lambda until=until: time.monotonic() > until)
                process.kill()
                process.wait()
            run_jobs(agents, root, jobs=3)
        assert [each.share for each in _room(agents)] == [1.0, 1.0, 1.0]
        assert seen(root) == []


def _room(agents: Agents) -> Sequence[SlotRoom]:
    pool = GpuPool(agents.settings("home"))
    pool._slots = SLOTS
    return pool.room()
