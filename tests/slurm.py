"""A real Slurm for tests: two nodes with fake GPUs on this host, on loopback, in a temporary folder.

It needs root, as Slurm does. There are the partitions ``main`` and ``spare``, whose jobs are preempted by
those of ``main``. Stop a node as a power cut does, the controller as a crash does.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from .optional import give_up, optional_program
from .waiting import wait_until

SBIN = (Path("/usr/sbin"), Path("/usr/local/sbin"))
NODES = ("n1", "n2")
GPUS = 2
NVIDIA_MAJOR = 195
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={root}/munge/s
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
MailProg=/bin/true
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool.%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
MpiDefault=none
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=bf_interval=1,sched_min_interval=0,batch_sched_delay=0,sched_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PriorityType=priority/basic
SlurmdParameters=config_overrides
ReturnToService=2
SlurmctldTimeout=5
MessageTimeout=3
SlurmdTimeout={node_timeout_s}
KillWait=5
MinJobAge={min_job_age_s}
MaxArraySize={max_array}
GresTypes=gpu
{accounting}
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=4 RealMemory=8000 Gres=gpu:{gpus} State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=4 RealMemory=8000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES DefMemPerCPU=1000 DefaultTime=60 MaxTime=INFINITE PriorityTier=2 PreemptMode=OFF State=UP
PartitionName=spare Nodes=n1,n2 DefMemPerCPU=1000 DefaultTime=60 MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE State=UP
"""


ACCOUNTS = """
AuthType=auth/munge
AuthInfo=socket={root}/munge/s
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={ports[3]}
SlurmUser=root
LogFile={root}/log/slurmdbd
PidFile={root}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={ports[4]}
StorageUser=slurm
StoragePass=of-a-test
StorageLoc=accounts
"""
NO_ACCOUNTS = "AccountingStorageType=accounting_storage/none"
WITH_ACCOUNTS = """AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={ports[3]}
AccountingStoragePass={root}/munge/s
AccountingStorageTRES=gres/gpu"""
DATABASE_USER = """
CREATE USER IF NOT EXISTS slurm@localhost IDENTIFIED BY 'of-a-test';
GRANT ALL ON accounts.* TO slurm@localhost;
CREATE USER IF NOT EXISTS slurm@'127.0.0.1' IDENTIFIED BY 'of-a-test';
GRANT ALL ON accounts.* TO slurm@'127.0.0.1';
"""


class Cluster:
    """A Slurm that runs; what it has started it has recorded, and stops."""

    def __init__(
        self,
        root: Path,
        programs: Mapping[str, Path],
        *,
        accounts: bool = False,
        min_job_age_s: int = 300,
        max_array: int = 1001,
    ) -> None:
        self.root = root
        self.configuration = root / "slurm.conf"
        self._programs = programs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._accounts = accounts
        self._ports = ports = _free_ports(5)
        text = CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0],
            ports=ports,
            root=root,
            gpus=GPUS,
            accounting=(WITH_ACCOUNTS if accounts else NO_ACCOUNTS).format(ports=ports, root=root),
            node_timeout_s=3,
            min_job_age_s=min_job_age_s,
            max_array=max_array,
        )
        self.configuration.write_text(text)
        devices = f"{root}/dev/gpu[0-{GPUS - 1}]"
        (root / "gres.conf").write_text("".join(f"NodeName={n} Name=gpu File={devices}\n" for n in NODES))

    @property
    def environment(self) -> dict[str, str]:
        return {"SLURM_CONF": str(self.configuration)}

    def start(self) -> None:
        for name in ("dev", "log", "state", "munge", *(f"spool.{node}" for node in NODES)):
            (self.root / name).mkdir(mode=0o755)
        for number in range(GPUS):
            # Slurm wants devices; these exist in no machine that runs tests, and nobody opens them
            os.mknod(
                self.root / "dev" / f"gpu{number}", stat.S_IFCHR | 0o600, os.makedev(NVIDIA_MAJOR, number)
            )
        self._start_munge()
        if self._accounts:
            self._start_database()
            self.start_accounts()
            wait_until(
                lambda: self.ask("sacctmgr", "-i", "add", "cluster", "test", check=False), timeout_s=60
            )
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        wait_until(self._is_ready, message=self.log_of_controller)

    def _start_munge(self) -> None:
        folder = self.root / "munge"
        key = folder / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        options = {
            "socket": "s",
            "pid-file": "pid",
            "log-file": "log",
            "seed-file": "seed",
            "key-file": "key",
        }
        paths = [f"--{name}={folder / file}" for name, file in options.items()]
        self._run("munged", [str(self._programs["munged"]), "--foreground", "--force", *paths])
        wait_until((folder / "s").exists, message="munged does not start")

    def _start_database(self) -> None:
        folder, start = self.root / "database", self.root / "start.sql"
        start.write_text(DATABASE_USER)
        install = [
            str(self._programs["mysql_install_db"]),
            "--no-defaults",
            f"--datadir={folder}",
            "--user=root",
        ]
        made = subprocess.run(
            [*install, "--skip-test-db", "--auth-root-authentication-method=normal"],
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        where = [f"--datadir={folder}", f"--socket={self.root}/d", f"--pid-file={self.root}/d.pid"]
        reach = ["--bind-address=127.0.0.1", f"--port={self._ports[4]}", f"--init-file={start}"]
        small = ["--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900"]
        self._run(
            "mariadbd",
            [str(self._programs["mariadbd"]), "--no-defaults", "--user=root", *where, *reach, *small],
        )
        wait_until(lambda: _listens(self._ports[4]), message="the database does not start")

    def start_accounts(self) -> None:
        configuration = self.root / "slurmdbd.conf"
        configuration.write_text(ACCOUNTS.format(ports=self._ports, root=self.root))
        configuration.chmod(0o600)
        environment = {"SLURM_CONF": str(configuration)}
        self._run("slurmdbd", [str(self._programs["slurmdbd"]), "-D"], environment)
        wait_until(lambda: _listens(self._ports[3]), message="slurmdbd does not start")

    def kill_accounts(self) -> None:
        self._running["slurmdbd"].kill()
        self._running.pop("slurmdbd").wait()

    def start_controller(self) -> None:
        log = self.root / "log" / "slurmctld"
        self._run("slurmctld", [str(self._programs["slurmctld"]), "-D", "-L", str(log)])

    def start_node(self, node: str) -> None:
        log = self.root / "log" / node
        self._run(node, [str(self._programs["slurmd"]), "-D", "-N", node, "-L", str(log)])

    def kill_controller(self) -> None:
        """Once it has saved its state, which it does every few seconds: what came later it forgets."""
        saved, now = self.root / "state" / "job_state", time.time()
        self.submit("--hold")  # a change: without one nothing is saved
        wait_until(lambda: saved.exists() and saved.stat().st_mtime > now)
        self._running["slurmctld"].kill()
        self._running.pop("slurmctld").wait()

    def cut_power(self, node: str) -> None:
        """Kill the node's daemon and all that runs there."""
        self._running[node].kill()
        self._running.pop(node).wait()
        wait_until(lambda: not self._kill_processes_of(node), message=f"processes of {node} live on")

    def ask(self, *command: str, check: bool = True) -> str:
        """What one of Slurm's programs prints."""
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        assert not check or done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()

    def submit(self, *options: str, script: str = "sleep 600") -> str:
        """Somebody else's job; its number."""
        return self.ask("sbatch", "--parsable", "--output=/dev/null", *options, f"--wrap={script}")

    def states(self) -> dict[str, str]:
        """The state of each job, by Slurm's number."""
        lines = self.ask("squeue", "--noheader", "--array", "--states=all", "--format=%i %T").splitlines()
        return dict(line.split() for line in lines)

    def log_of_controller(self) -> str:
        return (self.root / "log" / "slurmctld").read_text()[-4000:]

    def clear(self) -> None:
        """Cancel what waits or runs, and have all nodes and partitions up again."""
        if "slurmctld" not in self._running:
            self.start_controller()
        for node in NODES:
            if node not in self._running:
                self.start_node(node)
        wait_until(lambda: self.ask("sinfo", "--noheader", check=False))
        self.ask("scontrol", "update", f"nodename={','.join(NODES)}", "state=resume", check=False)
        wait_until(self._cancel_all, message=lambda: str(self.states()))
        wait_until(self._is_ready, message=self.log_of_controller)

    def stop(self) -> None:
        for node in NODES:
            wait_until(lambda node=node: not self._kill_processes_of(node))
        for name in (*NODES, "slurmctld", "slurmdbd", "mariadbd", "munged"):
            if (process := self._running.pop(name, None)) is not None:
                process.kill()
                process.wait(30)
        for node in NODES:
            wait_until(lambda node=node: not self._kill_processes_of(node))

    def _cancel_all(self) -> bool:
        over = ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY")
        left = [number for number, state in self.states().items() if state not in over]
        if left:
            self.ask("scancel", "--full", *left, check=False)
        return not left

    def _is_ready(self) -> bool:
        said = self.ask("sinfo", "--noheader", "--Node", "--format=%N %t", check=False).splitlines()
        return {line.split()[1] for line in said} == {"idle"} and len(said) == 2 * len(NODES)

    def _run(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        with (self.root / "log" / f"{name}.out").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                env={**os.environ, **(environment or self.environment)},
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _kill_processes_of(self, node: str) -> list[int]:
        """Kill the jobs' processes there, and the step daemons above them; those that were still there."""
        found = {process.pid for process in psutil.process_iter() if self._is_of(process, node)}
        for pid in found:
            try:
                psutil.Process(pid).kill()
            except psutil.Error:
                continue
        return sorted(found)

    def _is_of(self, process: psutil.Process, node: str) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            if process.name().startswith("slurmstepd"):
                return any(str(self.root / f"spool.{node}") in each for each in _stepd_marks(process))
            given = process.environ()
        except (psutil.Error, OSError):
            return False
        return given.get("SLURMD_NODENAME") == node and given.get("SLURM_CONF") == str(self.configuration)


def _stepd_marks(process: psutil.Process) -> list[str]:
    return [each.laddr or "" for each in process.net_connections(kind="unix")]


@contextmanager
def cluster(**changes: object) -> Iterator[Cluster]:
    """A new cluster; skips the test where there is no Slurm, or no root to run it."""
    names = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
    if changes.get("accounts"):
        names = (*names, "slurmdbd", "mariadbd", "mysql_install_db", "sacct", "sacctmgr")
    programs = {name: optional_program(name, *SBIN) for name in names}
    if os.geteuid() != 0:
        give_up("A Slurm of the test's own needs root.")
    root = Path(tempfile.mkdtemp(prefix="mlops-slurm-"))  # short: sockets' paths are limited
    root.chmod(0o755)
    made = Cluster(root, programs, **changes)  # type: ignore[arg-type]
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(root, ignore_errors=True)


def _listens(port: int) -> bool:
    with socket.socket() as each:
        return each.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(count: int) -> list[int]:
    """Below those that systems give to clients: a daemon that is started again must get its port again."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as each:
            if port not in found and each.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found
