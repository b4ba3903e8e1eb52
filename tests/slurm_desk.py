"""An executor of a test's Slurm, and attempts that are handed over to it by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from jupyter_mlops.config import load_settings
from jupyter_mlops.executors.slurm.executor import SlurmExecutor
from jupyter_mlops.protocols.jobs import Begun, Launch, Presence, Sighting
from jupyter_mlops.testing.clusters import see
from jupyter_mlops.testing.jobs import job_spec

from .slurm import Cluster
from .waiting import wait_until

PATIENCE_S = 60.0
WAIT = "#!/bin/sh\nfor each in $(seq 6000); do [ -e '{go}' ] && exit 0; sleep 0.1; done\n"


def executor_of(slurm: Cluster, home: Path, **environ: str) -> SlurmExecutor:
    """One more, as an agent has that was just started."""
    settings = load_settings({"home": home}, environ={"JUPYTER_MLOPS_SLURM_POLL_S": "0.2"})
    return SlurmExecutor(settings, environ={**os.environ, **slurm.environment, **environ})


class Desk:
    """An executor, and attempts whose workers wait for the file ``go``."""

    def __init__(self, slurm: Cluster, folder: Path) -> None:
        self.slurm, self.folder = slurm, folder
        self.go = folder / "go"
        self.program = folder / "python"
        self.program.write_text(WAIT.format(go=self.go))
        self.program.chmod(0o755)
        self.executor = executor_of(slurm, folder)
        self.made: list[Begun] = []
        self.launches: list[Launch] = []

    def launch(self, **wanted: Any) -> Launch:
        spec = job_spec(interpreter=str(self.program), **wanted)
        log = self.folder / "jobs" / spec.id / "attempts" / "1" / "log.txt"
        log.parent.mkdir(parents=True)
        self.made.append(Begun(job_id=spec.id, attempt=1, folder=log.parents[2]))
        defaults = {"SBATCH_PARTITION": "spare"}
        self.launches.append(
            Launch(spec=spec, attempt=1, folder=log.parents[2], log=log, environment=defaults)
        )
        return self.launches[-1]

    def start(self, **wanted: Any) -> Begun:
        assert self.executor.start(self.launch(**wanted))
        return self.made[-1]

    def see(self, begun: Begun, executor: SlurmExecutor | None = None) -> Sighting:
        return see(executor or self.executor, begun, *(each for each in self.made if each is not begun))

    def wait_for(self, begun: Begun, presence: Presence, executor: SlurmExecutor | None = None) -> Sighting:
        def seen() -> Sighting | None:
            sighting = self.see(begun, executor)
            return sighting if sighting.presence is presence else None

        return wait_until(seen, timeout_s=PATIENCE_S, message=lambda: str(self.see(begun, executor)))

    def receipt(self, begun: Begun) -> dict[str, Any]:
        path = begun.folder / "attempts" / "1" / "executor.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def number(self, begun: Begun) -> str:
        """Slurm's, once it is known."""
        return wait_until(lambda: self.receipt(begun).get("id"), timeout_s=PATIENCE_S)
