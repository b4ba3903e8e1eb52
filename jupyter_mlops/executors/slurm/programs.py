"""Slurm's programs: found, run with an environment of their own, and their answers told apart."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from ...errors import Unavailable

TIMEOUT_S = 30.0
"""More than the ten seconds after which Slurm's programs give up on a controller that is away."""
KEPT = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TZ",
    "LD_LIBRARY_PATH",
    "SLURM_CONF",
    "KRB5CCNAME",
)
"""Not what a surrounding job has set (``SLURM_JOB_ID``), and no secrets: ``sbatch`` sends its environment."""
ASKED = "SBATCH_"
"""A person's own defaults for ``sbatch``: ``SBATCH_ACCOUNT``, ``SBATCH_PARTITION``."""

AWAY = (
    "unable to contact",
    "communication connection failure",
    "connection refused",
    "connection reset",
    "socket error",
    "slurm_msg_sendto",
    "socket timed out",
    "zero bytes were transmitted",
    "controller in standby",
    "controller not responding",
    "insane message length",
    "munge encode failed",
    "protocol authentication error",
    "temporarily unable",
    "resource temporarily unavailable",
)
"""Parts of what the programs say when the controller does not answer, or cannot just now."""
UNFOUND = ("could not establish a configuration source", "unable to process configuration")
"""Parts of what they say when they find no configuration of a cluster."""
FULL = ("job submit limit", "maximum job count", "maxsubmit")
"""Parts of what ``sbatch`` says when a user has too many jobs in the queue, or may never have such a job."""


class Refused(Exception):
    """Slurm answered, and will not do it; the message is Slurm's."""


class Full(Exception):
    """Slurm takes no more jobs of this user just now; the message is Slurm's."""


class Late(Exception):
    """What the job needs is not where it will run yet; the message says why."""


class Programs:
    """Runs Slurm's programs.

    What an agent's own environment lacks, where a cluster's programs and its configuration are, may be
    learned from that of a job.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        given = os.environ if environ is None else environ
        self._environment = {name: given[name] for name in KEPT if name in given}

    @property
    def missing(self) -> str:
        """What to do when there are no such programs; empty when there are."""
        if self._find("sbatch"):
            return ""
        return (
            "There is no Slurm here: sbatch is not on PATH. Submit from a login node of the cluster, "
            "or install Slurm's client programs (on Debian and Ubuntu: apt install slurm-client)."
        )

    def learn(self, environ: Mapping[str, str]) -> None:
        """Look for the cluster where somebody found it who submitted a job."""
        if self.missing and "PATH" in environ:
            self._environment["PATH"] = environ["PATH"]
        if "SLURM_CONF" in environ:
            self._environment.setdefault("SLURM_CONF", environ["SLURM_CONF"])

    def where(self) -> dict[str, str]:
        """What a new agent must know in order to find the cluster."""
        return {name: self._environment[name] for name in ("PATH", "SLURM_CONF") if name in self._environment}

    def run(
        self, command: Sequence[str], *, text: str | None = None, environ: Mapping[str, str] | None = None
    ) -> str:
        """What a program printed. Raises Unavailable when the controller is away, else Refused.

        ``text`` is its standard input; of ``environ`` it gets a person's defaults for ``sbatch``.
        """
        program = self._find(command[0])
        if program is None:
            raise Unavailable(self.missing or f"There is no {command[0]} on PATH.")
        defaults = {name: value for name, value in (environ or {}).items() if name.startswith(ASKED)}
        try:
            done = subprocess.run(
                [program, *command[1:]],
                input=os.fsencode(text or ""),
                env={**defaults, **self._environment, "SLURM_TIME_FORMAT": "%s"},
                cwd="/",
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"{command[0]} did not answer within {TIMEOUT_S:g} s") from error
        except OSError as error:
            raise Unavailable(f"{program} cannot be run: {error.strerror}") from error
        except ValueError as error:  # what no program can be told: a NUL, half of a surrogate pair
            raise Refused(f"{command[0]} cannot be told that: {error}") from error
        stdout, stderr = (each.decode(errors="replace") for each in (done.stdout, done.stderr))
        if done.returncode == 0:
            return stdout if command[0] != "sbatch" else stdout + stderr
        raise _failure(stderr or stdout or f"{command[0]} ended with status {done.returncode}")

    def _find(self, name: str) -> str | None:
        return shutil.which(name, path=self._environment.get("PATH"))


def _failure(said: str) -> Exception:
    message, lower = tidy(said), said.lower()
    if any(each in lower for each in UNFOUND):
        return Unavailable(f"No Slurm cluster is configured here ({message}): set SLURM_CONF.")
    return Unavailable(message) if any(each in lower for each in AWAY) else Refused(message)


def tidy(said: str) -> str:
    """A program's complaint in one line, without what every such line begins with."""
    lines = []
    for line in said.splitlines():
        name, colon, rest = line.partition(": ")
        text = (
            rest if colon and name in ("sbatch", "squeue", "sacct", "scancel", "sinfo", "scontrol") else line
        )
        text = text.removeprefix("error: ").removeprefix("fatal: ").strip()
        if text and not text.startswith('Try "'):
            lines.append(text.removesuffix("."))
    return "; ".join(dict.fromkeys(lines))
