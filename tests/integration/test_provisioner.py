"""The kernel provisioner, the handshake, and the tie of a kernel to its worker."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpec

from jupyter_mlops.notebooks.handshake import QuickClient
from jupyter_mlops.notebooks.kernels import (
    SOCKETS,
    KernelChoice,
    TetheredKernelManager,
    kernel_manager,
    launcher,
)
from jupyter_mlops.notebooks.provisioner import NAME, WarmProvisioner
from jupyter_mlops.temporary import HELD
from jupyter_mlops.warm.tether import tethered, untethered

OWN = KernelChoice(name="python3", argv=launcher(sys.executable))


def test_provisioner_is_installed_under_its_name() -> None:
    (found,) = entry_points(group="jupyter_client.kernel_provisioners", name=NAME)
    assert found.load() is WarmProvisioner


async def started(manager: TetheredKernelManager) -> QuickClient:
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    return client


async def ended(manager: TetheredKernelManager, client: QuickClient) -> None:
    client.stop_channels()
    await manager.shutdown_kernel(now=True)
    manager.close()


def test_what_a_kernel_publishes_after_the_handshake_arrives() -> None:
    async def main() -> None:
        manager = kernel_manager(OWN)
        client = await started(manager)
        try:
            await client.wait_for_ready(timeout=60)
            assert isinstance(manager.provisioner, WarmProvisioner)
            client.execute("print('hello')")
            kinds = []
            while "stream" not in kinds:
                kinds.append((await client.get_iopub_msg(timeout=20))["msg_type"])
        finally:
            await ended(manager, client)

    asyncio.run(main())


def test_kernel_that_dies_at_its_start_is_noticed_at_once(tmp_path: Path) -> None:
    program = tmp_path / "ipykernel"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)

    async def main() -> None:
        manager = kernel_manager(KernelChoice(name="python3", argv=[str(program), "{connection_file}"]))
        client = await started(manager)
        began = time.monotonic()
        try:
            with pytest.raises(RuntimeError, match="died"):
                await client.wait_for_ready(timeout=60)
            assert time.monotonic() - began < 10
            assert manager.death() == "The kernel exited with status 3."
        finally:
            await ended(manager, client)

    asyncio.run(main())


def test_kernel_that_never_answers_is_given_up(tmp_path: Path) -> None:
    program = tmp_path / "ipykernel"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)

    async def main() -> None:
        manager = kernel_manager(KernelChoice(name="python3", argv=[str(program), "{connection_file}"]))
        client = await started(manager)
        try:
            with pytest.raises(RuntimeError, match=r"didn't respond in 0.5 seconds"):
                await client.wait_for_ready(timeout=0.5)
        finally:
            await ended(manager, client)

    asyncio.run(main())


def test_kernelspec_with_a_provisioner_of_its_own_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"kernel_provisioner": {"provisioner_name": "local-provisioner"}}
    spec = KernelSpec(argv=OWN.argv, display_name="x", language="python", metadata=own)
    monkeypatch.setattr(TetheredKernelManager, "kernel_spec", spec)
    manager = kernel_manager(KernelChoice(name="python3"))
    manager.close()
    assert spec.metadata == own


def test_kernel_starts_where_the_provisioner_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.notebooks.kernels._is_installed", lambda name: False)

    async def main() -> None:
        manager = kernel_manager(OWN)
        client = await started(manager)
        try:
            await client.wait_for_ready(timeout=60)
            assert not isinstance(manager.provisioner, WarmProvisioner)
        finally:
            await ended(manager, client)

    asyncio.run(main())


def test_tethered_command_is_found_again() -> None:
    command = ["/usr/bin/python", "-m", "ipykernel_launcher", "-f", "x"]
    assert untethered(tethered(command)) == command
    assert untethered(command) == command


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")
def test_tethered_program_dies_with_its_parent() -> None:
    code = (
        "import subprocess, sys\nfrom jupyter_mlops.warm.tether import tethered\n"
        "child = subprocess.Popen(tethered(['sleep', '600']))\nprint(child.pid, flush=True)\nchild.wait()"
    )
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    from tests.waiting import wait_until

    wait_until(lambda: not _lives(child))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def long_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's temporary folder, as a cluster may set it."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def answer(manager: TetheredKernelManager) -> None:
    """Start the kernel and have it answer."""
    client = await started(manager)
    try:
        await client.wait_for_ready(timeout=60)
    finally:
        await ended(manager, client)


def test_kernel_starts_where_the_temporary_folder_has_a_long_path(long_folder: Path) -> None:
    manager = kernel_manager(OWN)
    folder = Path(manager.connection_file).parent
    assert manager.transport == "ipc"
    assert folder.parent == Path("/tmp")
    asyncio.run(answer(manager))
    assert not folder.exists()


def test_kernel_speaks_tcp_where_every_folder_has_a_long_path(
    long_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlops.notebooks.kernels._can_have_sockets", lambda folder: False)
    manager = kernel_manager(OWN)
    assert manager.transport == "tcp"
    asyncio.run(answer(manager))


def test_folder_for_sockets_is_one_that_can_be_written(
    tmp_path: Path, long_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = tempfile.mkdtemp(dir="/tmp")
    monkeypatch.setenv("XDG_RUNTIME_DIR", session)
    monkeypatch.setattr(os, "access", lambda folder, mode: folder != "/tmp")
    manager = kernel_manager(OWN)
    assert Path(manager.connection_file).parent.parent == Path(session)
    manager.close()
    os.rmdir(session)


def test_folder_of_a_kernels_sockets_is_held_and_goes_with_it() -> None:
    manager = kernel_manager(OWN)
    folder = Path(manager.connection_file).parent
    assert folder.name.startswith(SOCKETS)
    assert (folder / HELD).exists(), "else the next kernel on this machine takes it away"
    manager.close()
    assert not folder.exists()
    manager.close()


def test_folder_of_a_kernel_that_nobody_has_started_goes_with_its_manager() -> None:
    manager = kernel_manager(OWN)
    folder = Path(manager.connection_file).parent
    del manager
    gc.collect()
    assert not folder.exists()
