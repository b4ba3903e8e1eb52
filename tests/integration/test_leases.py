"""GPU leases: one holder a GPU, host-wide, whatever becomes of the holder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_mlops.config import JOB
from jupyter_mlops.entities import GpuSlot, new_id
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.executors.custody import Custody
from jupyter_mlops.executors.leases import Holder, held, lease, read_holder, take_over, write_holder
from jupyter_mlops.executors.process import kill_all, processes_of
from tests.waiting import wait_until

SLOT = GpuSlot(uuid="GPU-x", index=0, name="fake")


@pytest.fixture
def job_id() -> Iterator[str]:
    job_id = new_id(0)
    yield job_id
    assert kill_all(lambda: processes_of(job_id))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "leases"


def holder(job_id: str) -> Holder:
    return Holder(job_id=job_id, user="ada", uid=os.getuid(), pid=os.getpid())


def is_free(folder: Path) -> bool:
    return not held(folder, SLOT)


def give_one(folder: Path) -> None:
    """Take the lease and give it back."""
    taken = lease(folder, SLOT, holder("job"))
    assert taken is not None
    taken.give_back()


def worker_with_lease(folder: Path, job_id: str, then: str) -> subprocess.Popen[str]:
    """A worker that was given the lease by an agent, which closed its own copy, and has gone on with ``then``."""
    taken = lease(folder, SLOT, holder(job_id))
    assert taken is not None
    program = f"""
    import os, subprocess, sys, time
    from jupyter_mlops.executors.custody import Custody
    custody = Custody({job_id!r}, user="ada", lease_fds=[{taken.fd}])
    custody.take()
    """
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program) + textwrap.dedent(then)],
        env={**os.environ, JOB: job_id},
        pass_fds=[taken.fd],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    taken.close()
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    return worker


READY_AND_SLEEP = """
        print("ready", flush=True)
        time.sleep(600)
"""


def test_lease_is_exclusive_and_says_who_holds_it(folder):
    taken = lease(folder, SLOT, holder("job"))
    assert taken is not None
    assert lease(folder, SLOT, holder("other")) is None
    assert read_holder(taken.fd) == holder("job")
    taken.close()
    assert is_free(folder)


def test_folder_and_files_are_for_all_users(folder):
    umask = os.umask(0o077)
    try:
        taken = lease(folder, SLOT, holder("job"))
    finally:
        os.umask(umask)
    assert taken is not None
    taken.close()
    assert folder.stat().st_mode & 0o7777 == 0o1777
    assert (folder / "GPU-x.lock").stat().st_mode & 0o777 == 0o666


def test_link_in_place_of_a_lease_is_not_followed(folder, tmp_path):
    give_one(folder)
    (folder / "GPU-x.lock").unlink()
    (folder / "GPU-x.lock").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic"):
        held(folder, SLOT)
    assert not (tmp_path / "target").exists()


def test_lease_goes_with_the_worker_that_ends_in_order(folder, job_id):
    worker = worker_with_lease(folder, job_id, "print('ready', flush=True); input(); custody.finish()")
    assert not is_free(folder)
    worker.communicate("\n")
    assert is_free(folder)
    assert (folder / "GPU-x.lock").read_bytes() == b""


def test_lease_is_kept_from_what_clears_old_files_away(folder, job_id):
    taken = lease(folder, SLOT, holder(job_id))
    assert taken is not None
    os.utime(folder / "GPU-x.lock", (1, 1))
    Custody(job_id, user="ada", lease_fds=[taken.fd]).keep()
    about = (folder / "GPU-x.lock").stat()
    assert min(about.st_atime, about.st_mtime) > time.time() - 60
    taken.give_back()


def test_lease_that_is_given_back_is_free_before_its_worker_has_gone(folder, job_id):
    then = "custody.finish(); print('ready', flush=True); input()"
    worker = worker_with_lease(folder, job_id, then)
    assert is_free(folder)
    assert lease(folder, SLOT, holder("next")) is not None
    worker.communicate("\n")


def test_lease_goes_with_a_killed_worker(folder, job_id):
    worker = worker_with_lease(folder, job_id, READY_AND_SLEEP)
    worker.kill()
    worker.wait()
    assert is_free(folder)


def test_forked_sleeper_does_not_keep_the_lock_but_keeps_the_gpu(folder, job_id):
    worker = worker_with_lease(
        folder,
        job_id,
        """
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
        """
        + READY_AND_SLEEP,
    )
    worker.kill()
    worker.wait()
    (sleeper,) = processes_of(job_id)
    assert not is_free(folder)
    os.kill(sleeper, signal.SIGKILL)
    wait_until(lambda: is_free(folder))


def test_child_in_another_session_keeps_the_gpu_until_it_is_dead(folder, job_id):
    worker = worker_with_lease(
        folder,
        job_id,
        """
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        """
        + READY_AND_SLEEP,
    )
    worker.kill()
    worker.wait()
    assert not is_free(folder)
    assert kill_all(lambda: processes_of(job_id))
    assert is_free(folder)


def test_another_users_strays_are_known_by_their_session(folder, job_id, monkeypatch):
    worker = worker_with_lease(
        folder,
        job_id,
        """
        if os.fork() == 0:
            time.sleep(600)
        """
        + READY_AND_SLEEP,
    )
    worker.kill()
    worker.wait()
    another = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: another)
    nothing_can_be_read = lambda job_id: set()  # noqa: E731
    look = lambda: held(folder, SLOT, strays=nothing_can_be_read)  # noqa: E731
    wait_until(lambda: [each.left_behind for each in look()] == [True])  # the child has closed its copy
    assert lease(folder, SLOT, holder("other"), strays=nothing_can_be_read) is None
    assert kill_all(lambda: processes_of(job_id))
    assert held(folder, SLOT, strays=nothing_can_be_read) == []


def test_worker_kills_all_that_its_job_left_running(folder, job_id):
    worker = worker_with_lease(
        folder,
        job_id,
        """
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        subprocess.Popen(["env", "-i", "/bin/sh", "-c", "setsid /bin/sleep 600 & exit"]).wait()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
        os.wait()
        from jupyter_mlops.executors.process import descendants
        while len(descendants(os.getpid())) < 3:
            time.sleep(0.01)
        print("ready", flush=True)
        input()
        assert custody.memory_bytes() > 1_000_000
        assert custody.finish()
        assert descendants(os.getpid()) == set()
        print("done", flush=True)
        """,
    )
    out, _ = worker.communicate("\n", timeout=30)
    assert (out, worker.returncode) == ("done\n", 0)
    assert processes_of(job_id) == set()


def test_torn_file_counts_as_free(folder):
    give_one(folder)
    (folder / "GPU-x.lock").write_bytes(b'{"job_id": "x')
    assert is_free(folder)


def test_holder_can_be_written_over(folder):
    taken = lease(folder, SLOT, Holder(job_id="a" * 200, user="ada", uid=1, pid=1))
    assert taken is not None
    write_holder(taken.fd, holder("b"))
    assert read_holder(taken.fd) == holder("b")
    write_holder(taken.fd, None)
    assert read_holder(taken.fd) is None
    taken.close()


def open_files() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_lease_that_cannot_be_looked_into_is_not_kept_open(folder):
    taken = lease(folder, SLOT, holder("job"))
    assert taken is not None
    taken.close()
    before = open_files()

    def refuse(job_id: str) -> set[int]:
        raise OSError("no /proc here")

    with pytest.raises(OSError, match="no /proc here"):
        held(folder, SLOT, strays=refuse)
    with pytest.raises(OSError, match="no /proc here"):
        lease(folder, SLOT, holder("other"), strays=refuse)
    assert open_files() == before


def part(job_id: str, share: float, memory_bytes: int | None = None) -> Holder:
    return Holder(
        job_id=job_id, user="ada", uid=os.getuid(), pid=os.getpid(), share=share, memory_bytes=memory_bytes
    )


class TestShares:
    """Jobs that have a part of a GPU each."""

    def test_two_halves_are_taken_and_no_third(self, folder):
        halves = [lease(folder, SLOT, part(name, 0.5)) for name in ("a", "b", "c")]
        assert [half is not None for half in halves] == [True, True, False]
        assert sorted(each.holder.job_id for each in held(folder, SLOT)) == ["a", "b"]

    def test_part_keeps_others_from_the_whole_and_the_whole_from_parts(self, folder):
        half = lease(folder, SLOT, part("a", 0.5))
        assert lease(folder, SLOT, holder("whole")) is None
        half.give_back()
        whole = lease(folder, SLOT, holder("whole"))
        assert lease(folder, SLOT, part("a", 0.1)) is None
        whole.give_back()
        assert is_free(folder)

    def test_memory_is_not_promised_twice(self, folder):
        gpu = GpuSlot(uuid="GPU-m", index=0, name="fake", memory_bytes=8000)
        kept = [lease(folder, gpu, part("a", 0.25, 5000))]
        assert lease(folder, gpu, part("b", 0.25, 3100)) is None
        assert lease(folder, gpu, part("b", 0.5)) is None, "half of it is 4000"
        kept.append(lease(folder, gpu, part("b", 0.25, 3000)))
        assert sum(each.memory_on(gpu) for each in held(folder, gpu)) == 8000

    def test_shares_that_no_computer_adds_up_exactly_fit(self, folder):
        assert all(lease(folder, SLOT, part(str(n), 0.1)) for n in range(10))

    def test_worker_that_takes_over_keeps_its_share(self, folder):
        half = lease(folder, SLOT, part("a", 0.5, 7))
        take_over(half.fd, job_id="a", user="bob")
        (found,) = held(folder, SLOT)
        assert (found.share, found.memory_bytes, found.holder.user) == (0.5, 7, "bob")

    def test_part_goes_with_a_killed_worker_when_all_its_processes_are_dead(self, folder, job_id):
        half = lease(folder, SLOT, part(job_id, 0.5))
        half.close()
        stray = subprocess.Popen([sys.executable, "-c", "input()"], env={**os.environ, JOB: job_id}, stdin=-1)
        (left,) = held(folder, SLOT)
        assert (left.share, left.left_behind) == (0.5, True)
        assert lease(folder, SLOT, holder("other")) is None
        stray.kill()
        stray.wait()
        assert is_free(folder)
        assert (folder / "GPU-x.part-0.lock").read_bytes() == b"", "nobody need look for processes again"

    def test_nonsense_in_a_file_that_everyone_may_write_counts_as_the_whole_gpu(self, folder):
        half = lease(folder, SLOT, part("a", 0.5))
        for nonsense in (b'{"job_id":"a","user":"m","uid":0,"pid":1,"share":-3}', b"\xff\x00", b""):
            os.pwrite(half.fd, nonsense, 0)
            os.ftruncate(half.fd, len(nonsense))
            assert [each.share for each in held(folder, SLOT)] == [1.0]
            assert lease(folder, SLOT, part("b", 0.1)) is None

    def test_many_that_come_at_once_never_take_more_than_there_is(self, folder, tmp_path):
        """Real processes race for parts and wholes of one GPU, and look at what the others hold."""
        program = f"""
import fcntl, os, random, sys
from pathlib import Path
sys.path[:0] = {sys.path!r}
from tests.integration.test_leases import SLOT, part
from jupyter_mlops.executors.leases import lease

def book(share):
    with open({str(tmp_path / "ledger")!r}, "a+") as ledger:
        fcntl.flock(ledger, fcntl.LOCK_EX)
        ledger.seek(0)
        there = float(ledger.read() or 0) + share
        assert -1e-6 < there < 1 + 1e-6, there
        ledger.truncate(0)
        ledger.write(str(there))

random.seed(int(sys.argv[1]))
taken = 0
while taken < 100:
    share = random.choice([0.25, 0.5, 1.0])
    mine = lease(Path({str(folder)!r}), SLOT, part(str(os.getpid()), share), strays=lambda job_id: [])
    if mine is not None:
        taken += 1
        book(share)
        book(-share)
        mine.give_back()
"""
        racers = [
            subprocess.Popen([sys.executable, "-c", program, str(n)], stdout=subprocess.PIPE, text=True)
            for n in range(4)
        ]
        assert [(racer.communicate(timeout=120), racer.returncode)[1] for racer in racers] == [0] * 4
        assert is_free(folder)


def test_link_in_place_of_the_folder_is_refused_with_a_way_out(folder, tmp_path):
    target = tmp_path / "target"
    target.mkdir(mode=0o755)
    folder.symlink_to(target)
    with pytest.raises(Unavailable, match=r"leases, is a link.*or set JUPYTER_MLOPS_LEASES"):
        held(folder, SLOT)
    assert (list(target.iterdir()), target.stat().st_mode & 0o7777) == ([], 0o755)


def test_another_users_own_folder_is_refused_and_a_shared_one_is_not(folder, monkeypatch):
    folder.mkdir(mode=0o755)
    if os.getuid() == 0:
        os.chown(folder, 12345, -1)
    else:
        another = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: another)
    with pytest.raises(Unavailable, match=r"belongs to user \d+ and is not shared"):
        held(folder, SLOT)
    folder.chmod(0o1777)
    assert is_free(folder)


def test_who_only_looks_makes_no_folder(folder):
    assert is_free(folder)
    assert not folder.exists()


def test_folder_whose_maker_was_killed_is_opened_to_all_users(folder):
    folder.mkdir(mode=0o700)
    assert is_free(folder)
    assert folder.stat().st_mode & 0o7777 == 0o1777


def test_folder_with_other_things_in_it_is_not_opened_to_others(folder):
    folder.mkdir(mode=0o700)
    (folder / "registry.sqlite").touch()
    assert is_free(folder)
    assert folder.stat().st_mode & 0o7777 == 0o700


def test_folder_that_another_process_makes_meanwhile_is_used(folder, monkeypatch):
    rename = Path.rename

    def be_late(fresh: Path, target: Path) -> Path:
        monkeypatch.undo()
        give_one(target)
        return rename(fresh, target)

    monkeypatch.setattr(Path, "rename", be_late)
    give_one(folder)
    assert os.listdir(folder.parent) == [folder.name]


def test_lease_of_a_user_whose_name_is_no_unicode_can_be_read(folder, job_id):
    taken = lease(folder, SLOT, replace(holder(job_id), user="ad\udce9"))
    assert taken is not None
    assert read_holder(taken.fd).user == "ad?"
    taken.give_back()
