"""Handing jobs over to ``sbatch``, so that each gets there once, whoever is killed meanwhile.

Before Slurm is asked, each attempt's folder has a receipt with the name that its job will have there; Slurm's
number is added when it answers. Where a receipt has no number, the name is looked up before anything else.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import Unavailable
from ...protocols.jobs import Launch
from ..handover import hand_over
from ..staging import Staging
from . import receipt as receipts
from .programs import FULL, Full, Late, Programs, Refused
from .queue import Queue
from .receipt import Receipt
from .requests import (
    batch_options,
    groups,
    log_pattern,
    resource_options,
    script_of,
    staged_log,
    staged_script_of,
)

Key = tuple[str, int]
"""A job's id and its attempt."""
WORKER = "jupyter_mlops.worker"
ARRAY_AT_MOST = 500
NO_ARRAYS = "invalid job array"


def attempt_folder(folder: Path, attempt: int) -> Path:
    return folder / "attempts" / str(attempt)


class Handing:
    """Writes receipts and calls ``sbatch``. ``arrays`` is a folder that all nodes see.

    With ``staging`` the nodes see nothing of this file system: jobs go one by one, by way of that.
    """

    def __init__(
        self,
        programs: Programs,
        arrays: Path,
        staging: Staging | None = None,
        staging_python: str | None = None,
    ) -> None:
        self._programs = programs
        self._arrays = arrays
        self._staging, self._staging_python = staging, staging_python
        self._most = ARRAY_AT_MOST if staging is None else 1

    def batches(self, launches: Mapping[Key, Launch]) -> list[list[Key]]:
        """Which go together."""
        names = {f"{key[0]} {key[1]}": key for key in launches}
        asked = [(name, launches[key].spec, launches[key].exclusive) for name, key in names.items()]
        return [[names[name] for name in batch] for batch in groups(asked, self._most)]

    def hand_over(self, launches: Mapping[Key, Launch], queue: Queue) -> dict[Key, Receipt]:
        """Hand these over together.

        Raises Unavailable when Slurm is away, Full when it has too many jobs, Refused when it never will,
        Late when their files are still on their way.
        """
        done, fresh = self._handed_over_before(launches, queue)
        if len(fresh) == 1 or self._most == 1:
            for key, launch in fresh.items():
                done[key] = self._hand_over_one(launch)
        elif fresh:
            done |= self._hand_over_array(fresh)
        return done

    def find(self, waiting: Mapping[Key, tuple[Path, Receipt]], queue: Queue) -> dict[Key, Receipt]:
        """The receipts, by their attempts' folders, with Slurm's numbers, of jobs that Slurm has by name.

        Raises Unavailable when that cannot be asked.
        """
        if not waiting:
            return {}
        names = {receipt.name for _, receipt in waiting.values()}
        entries = queue.named(names, min(receipt.asked_at for _, receipt in waiting.values()))
        found: dict[Key, Receipt] = {}
        for key, (attempt, receipt) in waiting.items():
            for entry in entries.get(receipt.name, ()):
                number, _, task = entry.id.partition("_")
                if receipt.task is None or task == str(receipt.task):
                    found[key] = _note(attempt, replace(receipt, id=receipt.id_of(number)))
        return found

    def _handed_over_before(
        self, launches: Mapping[Key, Launch], queue: Queue
    ) -> tuple[dict[Key, Receipt], dict[Key, Launch]]:
        """Those that Slurm has, and those that it has not."""
        read = {key: receipts.read(launch.log.parent) for key, launch in launches.items()}
        known = {key: receipt for key, receipt in read.items() if receipt is not None}
        waiting = {
            key: (launches[key].log.parent, receipt) for key, receipt in known.items() if receipt.id is None
        }
        done = {key: receipt for key, receipt in known.items() if receipt.id is not None}
        done |= self.find(waiting, queue)
        return done, {key: launch for key, launch in launches.items() if key not in done}

    def _hand_over_one(self, launch: Launch) -> Receipt:
        attempt = launch.log.parent
        name = f"mlops-{launch.job_id}-{launch.attempt}"
        if self._staging is not None:
            log = staged_log(secrets.token_hex(8))
            script = self._staged_script(launch, self._staging, log)
            receipt = self._note_asking(launch, name, None)
            options = batch_options(name, log, Path("/"))
        else:
            receipt = self._prepare(launch, name, None)
            options = batch_options(name, log_pattern(launch.log), attempt)
            script = script_of(launch.interpreter, attempt)
        return _note(attempt, replace(receipt, id=self._sbatch(launch, options, script)))

    def _staged_script(self, launch: Launch, staging: Staging, log: str) -> str:
        """Raises Late until what the job needs has been uploaded, and what makes that impossible."""
        try:
            pushed = staging.push(launch)
        except Unavailable as error:
            raise Late(f"its files cannot be sent: {error.message}") from error
        if pushed is None:
            raise Late("its files are on their way")
        interpreter = self._staging_python or launch.interpreter
        return staged_script_of([interpreter, *pushed.arguments], pushed.environment, log)

    def _hand_over_array(self, launches: Mapping[Key, Launch]) -> dict[Key, Receipt]:
        """Each task finds its attempt by a link that its number names."""
        self._forget_ended()
        first = next(iter(launches.values()))
        name = f"mlops-{first.spec.sweep_id}-{secrets.token_hex(4)}"
        folder = self._arrays / name
        folder.mkdir(parents=True)
        prepared = {key: self._prepare(each, name, task) for task, (key, each) in enumerate(launches.items())}
        for key, launch in launches.items():
            (folder / str(prepared[key].task)).symlink_to(launch.log.parent)
        pattern = f"{log_pattern(folder)}/%a/{log_pattern(Path(first.log.name))}"
        options = [*batch_options(name, pattern, folder), f"--array=0-{len(launches) - 1}"]
        try:
            number = self._sbatch(first, options, script_of(first.interpreter, folder, task_folders=True))
        except Refused as error:
            if NO_ARRAYS not in str(error).lower():
                raise
            self._most = 1  # this cluster takes none
            return {key: self._hand_over_one(launch) for key, launch in launches.items()}
        return {
            key: _note(launch.log.parent, replace(prepared[key], id=prepared[key].id_of(number)))
            for key, launch in launches.items()
        }

    def _prepare(self, launch: Launch, name: str, task: int | None) -> Receipt:
        command = [launch.interpreter, "-m", WORKER, str(launch.folder), str(launch.attempt)]
        hand_over(launch.log.parent, command, launch.environment)
        return self._note_asking(launch, name, task)

    def _note_asking(self, launch: Launch, name: str, task: int | None) -> Receipt:
        where = self._programs.where()
        return _note(launch.log.parent, Receipt(name=name, task=task, asked_at=time.time(), where=where))

    def _sbatch(self, launch: Launch, options: Sequence[str], script: str) -> str:
        """Slurm's number of what was handed over."""
        asked = resource_options(launch.spec, exclusive=launch.exclusive)
        try:
            said = self._programs.run(["sbatch", *options, *asked], text=script, environ=launch.environment)
        except Refused as error:
            if any(each in str(error).lower() for each in FULL):
                raise Full(str(error)) from error
            raise
        numbers = [line.partition(";")[0] for line in said.splitlines() if line[:1].isdigit()]
        if not numbers:
            raise Unavailable(f"sbatch said no number: {said.strip()!r}")
        return numbers[0]

    def _forget_ended(self) -> None:
        """Links are needed until their attempts have ended."""
        for folder in self._arrays.glob("mlops-*"):
            if all(_has_ended(link) for link in folder.iterdir()):
                shutil.rmtree(folder, ignore_errors=True)


def _has_ended(link: Path) -> bool:
    return not link.exists() or (link / "exit.json").exists()


def _note(attempt: Path, receipt: Receipt) -> Receipt:
    receipts.write(attempt, receipt)
    return receipt
