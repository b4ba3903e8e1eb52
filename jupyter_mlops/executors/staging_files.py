"""What a worker elsewhere needs, uploaded: the job's folder, its blobs, its environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from ..config import (
    AGENT,
    ATTEMPT,
    BLOBS,
    DATABASE,
    GPU_SLOTS,
    HOME,
    JOB,
    LEASES,
    POOL,
    RUN,
    RUNTIME,
    STAGING,
    STAGING_PYTHON,
    STAGING_VARIABLES,
    Settings,
)
from ..errors import InvalidInput, NotFound
from ..ownership import ID_FILE, workspace_id
from ..protocols.jobs import Launch
from ..remote.batches import OBJECT_BYTES, Batch, Part, batched, digest_of, encode
from ..remote.folder import RemoteFolder, reaches_elsewhere
from ..remote.layout import (
    ENVIRONMENT,
    GIVEN,
    GIVEN_BATCHES,
    REGISTERED,
    WISHES,
    Given,
    Wishes,
    batch_name,
    blob_path,
    object_name,
)
from ..wire import encode as encode_entity
from .staging_state import Key, State, States

BLOBS_NEEDED = "blobs.json"
"""In ``files/`` of a job's folder: digests of blobs that it needs beyond those that it carries."""

OF_THIS_MACHINE = re.compile(
    r"HOME|USER|LOGNAME|SHELL|HOSTNAME|PWD|OLDPWD|PATH|TMPDIR|TEMP|TMP|MAIL|TERM|DISPLAY|WAYLAND_DISPLAY|_"
    r"|LD_.*|DYLD_.*|VIRTUAL_ENV|CONDA_.*|PYTHONHOME|PYTHONPATH|PYTHONEXECUTABLE|XDG_.*|SSH_.*|DBUS_.*"
    r"|CUDA_VISIBLE_DEVICES|NVIDIA_.*|GPU_DEVICE_ORDINAL|ROCR_VISIBLE_DEVICES|KUBERNETES_.*"
    r"|SLURM_.*|SLURMD_.*|RAY_.*|PMI_.*|PMIX_.*|OMPI_.*"
    r"|JPY_.*|JUPYTERHUB_.*|JUPYTER_(?!MLOPS_).*|IPYTHONDIR|BINDER_.*"
)
"""Variables that mean something on the machine where they were set only, or to its Jupyter server."""
OF_THIS_HOME = (
    HOME, DATABASE, GPU_SLOTS, RUNTIME, LEASES, STAGING, STAGING_PYTHON, STAGING_VARIABLES,
    RUN, JOB, ATTEMPT, POOL, AGENT,
)  # fmt: skip


def travelling(environment: Mapping[str, str]) -> dict[str, str]:
    """What of a worker's environment goes along: not what another machine has of its own."""
    kept = {
        name: value
        for name, value in environment.items()
        if not OF_THIS_MACHINE.fullmatch(name) and name not in OF_THIS_HOME
    }
    if BLOBS in kept and not reaches_elsewhere(kept[BLOBS]):
        del kept[BLOBS]
    return kept


class Upload:
    """Everything that one attempt needs; what is there already is left there."""

    def __init__(self, settings: Settings, states: States, key: Key, launch: Launch, *, url: str) -> None:
        self._settings, self._states, self._key, self._launch = settings, states, key, launch
        self._job = RemoteFolder(url)
        self._root = RemoteFolder(url.rpartition("/")[0])
        self._attempt = self._job.child(str(key.attempt))

    def run(self) -> None:
        """Raises Unavailable when the server does not answer, InvalidInput when strangers can read there."""
        blobs = self._blobs()
        large = {path: digest_of(path) for path in self._files() if path.stat().st_size > OBJECT_BYTES}
        objects = sorted({*blobs, *large.values()})
        with self._states.changing():
            known = self._states.read(self._key)
            self._states.write(self._key, known or State(url=self._job.url, objects=objects))
        if self._attempt.get(GIVEN) is not None:
            return
        self._check_privacy()
        for digest, path in {**blobs, **{digest: path for path, digest in large.items()}}.items():
            self._put_object(digest, path)
        count = 0
        for count, parts in enumerate(batched(self._parts(blobs, large)), start=1):
            self._attempt.put(batch_name(GIVEN_BATCHES, count), encode(Batch(parts=parts)))
        environment = travelling(self._launch.environment)
        self._attempt.put(ENVIRONMENT, encode_entity(environment))  # it may hold what is no UTF-8
        self._attempt.put(WISHES, msgspec.json.encode(Wishes()))
        self._attempt.put(GIVEN, msgspec.json.encode(Given(batches=count)))

    def _files(self) -> Iterator[Path]:
        """The job's own: what an earlier attempt left stays here, and the environment has its own way."""
        folder = self._launch.folder
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and inside.parts[0] in ("spec.json", "input.ipynb", "files"):
                yield path

    def _parts(self, blobs: Mapping[str, Path], large: Mapping[Path, str]) -> Iterator[Part]:
        # models that the job registers are this home's; its key stays here, where they are signed
        yield Part(path=ID_FILE, data=workspace_id(self._settings.home).encode("ascii"))
        registered = self._launch.folder / "files" / REGISTERED
        yield Part(path=REGISTERED, data=registered.read_bytes() if registered.exists() else b"{}")
        for digest in blobs:
            yield Part(path=blob_path(digest), digest=digest, mode=0o444)
        for path in self._files():
            place = f"jobs/{self._key.job_id}/{path.relative_to(self._launch.folder).as_posix()}"
            mode = path.stat().st_mode & 0o700
            if path in large:
                yield Part(path=place, digest=large[path], mode=mode)
            else:
                yield Part(path=place, data=path.read_bytes(), mode=mode)

    def _blobs(self) -> dict[str, Path]:
        """The blobs that the job reads, by digest; none where the worker reaches the team's store itself."""
        if reaches_elsewhere(self._settings.blobs):
            return {}
        digests = [each.digest for each in self._launch.spec.carried]
        needed = self._launch.folder / "files" / BLOBS_NEEDED
        if needed.exists():
            digests += msgspec.json.decode(needed.read_bytes(), type=list[str])
        found = {digest: self._settings.home / blob_path(digest) for digest in digests}
        if missing := next((digest for digest, path in found.items() if not path.exists()), None):
            raise NotFound(f"The job needs the blob {missing}, and it is gone. Submit again.")
        return found

    def _put_object(self, digest: str, path: Path) -> None:
        if self._root.size(object_name(digest)) != path.stat().st_size:
            self._root.put_file(object_name(digest), path)

    def _check_privacy(self) -> None:
        """The environment holds secrets: nothing of it goes where strangers read."""
        probe = "privacy-probe"
        self._attempt.put(probe, b"")
        try:
            public = self._attempt.anyone_reads(probe)
        finally:
            self._attempt.delete(probe)
        if public:
            raise InvalidInput(
                f"Anybody can read {self._root.url}, and the job's environment, which may hold secrets, "
                "would lie there. Take public access away from it, or name another folder in "
                "JUPYTER_MLOPS_STAGING."
            )
