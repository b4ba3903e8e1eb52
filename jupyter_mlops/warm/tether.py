"""Become another program, one that is killed when its parent dies.

``python tether.py PARENT_PID PROGRAM ARGUMENT...``

Run as a file, by an interpreter that needs no site packages: this is the first moment of every kernel.
"""

import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h; kept across execve, cleared in forked children (prctl(2))
SIGKILL = 9
FLAGS = ["-I", "-S"]


def tether(parent_pid: int) -> bool:
    """Have this process killed when its parent ends. False when the parent is gone already."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
    except (ImportError, OSError, AttributeError):  # an interpreter without ctypes, or no Linux
        return True
    return os.getppid() == parent_pid


def tethered(command: list[str]) -> list[str]:
    """The command, started so that it dies with this process."""
    return [sys.executable, *FLAGS, __file__, str(os.getpid()), *command]


def untethered(command: list[str]) -> list[str]:
    """The command that was tethered, or that was not."""
    before = len(tethered([]))
    return list(command[before:] if command[1 : before - 1] == tethered([])[1:-1] else command)


if __name__ == "__main__":
    if not tether(int(sys.argv[1])):
        sys.exit("The process that started this kernel has ended.")
    program = sys.argv[2:]
    try:
        os.execvp(program[0], program)
    except OSError as error:
        sys.exit(f"The kernel's program {program[0]!r} cannot be started: {error.strerror}.")
