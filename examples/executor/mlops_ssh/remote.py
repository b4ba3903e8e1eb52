"""The other side: sent over ssh and run there with nothing but Python. ``python3 - VERB JSON``"""

import fcntl
import glob
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def start(attempt, command, log, wanted, gpus):
    """Have a process there that waits for its GPUs and then runs the worker; once, however often asked."""
    attempt = Path(attempt)
    try:
        os.close(os.open(attempt / "ssh.json", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return {}
    ready, told = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for fd in (0, 1, 2):
                os.dup2(os.open(os.devnull, os.O_RDWR), fd)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            state = {"supervisor": identify(os.getpid())}
            write(attempt, state)
            os.close(told)
            wait_and_run(attempt, command, log, wanted, gpus, state)
        os._exit(0)
    os.close(told)
    os.read(ready, 1)  # until it has written who it is
    return {}


def wait_and_run(attempt, command, log, wanted, gpus, state):
    held = []
    while not (attempt / "ssh.off").exists():
        held = lock(gpus)
        if len(held) >= wanted:
            for _, fd in held[wanted:]:
                os.close(fd)
            break
        for _, fd in held:
            os.close(fd)
        time.sleep(0.2)
    else:
        return write(attempt, {**state, "status": "cancelled"})
    visible = ",".join(str(index) for index, _ in held[:wanted])
    with open(log, "ab") as output:
        try:
            worker = subprocess.Popen(
                command,
                env={**os.environ, "CUDA_VISIBLE_DEVICES": visible},
                cwd=attempt,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            output.write(f"{error}\n".encode())
            return write(attempt, {**state, "status": 127})
    state["worker"] = identify(worker.pid)
    write(attempt, state)
    write(attempt, {**state, "status": worker.wait()})


def see(attempts):
    """Of each attempt that was started: what is known, and whether anything of it lives."""
    seen = {}
    for each in attempts:
        try:
            state = json.loads((Path(each) / "ssh.json").read_text() or "{}")
        except FileNotFoundError:
            continue
        alive = any(is_alive(state[name]) for name in ("supervisor", "worker") if name in state)
        seen[each] = {**state, "alive": alive and "status" not in state}
    return {"seen": seen}


def interrupt(attempt):
    (Path(attempt) / "ssh.off").touch()
    worker = see([attempt])["seen"].get(attempt, {}).get("worker")
    if worker and is_alive(worker):
        os.kill(worker[0], signal.SIGTERM)
    return {}


def kill(attempt, job):
    """All that carries the job's id, and the process that waits for it."""
    (Path(attempt) / "ssh.off").touch()
    pids = {int(path.split("/")[2]) for path in glob.glob("/proc/[0-9]*/environ") if carries(path, job)}
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return {"left": sorted(pid for pid in pids if identify(pid))}


def free(gpus):
    return {"free": len(lock(gpus))}  # given back when this process ends


def lock(gpus):
    """Every GPU that nobody has: its number, and the file that holds the lock."""
    folder = Path(f"/tmp/mlops-ssh-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    held = []
    for index in range(gpus):
        fd = os.open(folder / str(index), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held.append((index, fd))
        except BlockingIOError:
            os.close(fd)
    return held


def identify(pid):
    """The pid and when it was started (proc(5)), since pids come again; None where it is dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else [pid, fields[19]]


def is_alive(known):
    return known is not None and identify(known[0]) == known


def carries(path, job):
    try:
        return f"JUPYTER_MLOPS_JOB={job}".encode() in Path(path).read_bytes().split(b"\0")
    except OSError:
        return False


def write(attempt, state):
    temporary = attempt / ".ssh.json"
    temporary.write_text(json.dumps(state))
    temporary.rename(attempt / "ssh.json")


print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))
