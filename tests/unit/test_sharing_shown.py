"""Who has which GPU, in the terminal, as a table of Python, and by the doctor."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.cli import main
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import Check, GpuSlot
from jupyter_mlops.executors.leases import Held, Holder, Lease, lease
from jupyter_mlops.executors.occupants import Foreign
from jupyter_mlops.magics.mlops_magic import mlops as magic
from jupyter_mlops.magics.refusals import BadArguments
from jupyter_mlops.services.doctor import Doctor
from jupyter_mlops.workspace import Workspace, use

GIB = 1024**3
KERNEL = "kernel of train.ipynb (process 12) holds 3.1 GiB"


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Iterator[Workspace]:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    for name, value in (
        ("HOME", "home"),
        ("RUNTIME", "run"),
        ("LEASES", "leases"),
        ("QUOTAS", "quotas.json"),
    ):
        monkeypatch.setenv(f"JUPYTER_MLOPS_{name}", str(tmp_path / value))
    monkeypatch.setenv("JUPYTER_MLOPS_GPU_SLOTS", "2")
    monkeypatch.setenv("COLUMNS", "250")
    workspace = Workspace(load_settings())
    use(workspace)
    yield workspace
    use(None)


@pytest.fixture
def taken(workspace) -> Iterator[Lease]:
    """Half of the first GPU."""
    holder = Holder(job_id="none-abcdef", user="bob", uid=os.getuid(), pid=os.getpid(), share=0.5)
    held = lease(workspace.settings.leases_dir, workspace.machine.slots()[0], holder)
    assert held is not None
    yield held
    held.close()


@pytest.fixture
def taken_besides(workspace, kernel_on_a_gpu) -> Iterator[Lease]:
    """Half of the GPU that the kernel is on."""
    holder = Holder(job_id="none-abcdef", user="bob", uid=os.getuid(), pid=os.getpid(), share=0.5)
    held = lease(workspace.settings.leases_dir, workspace.machine.slots()[0], holder)
    assert held is not None
    yield held
    held.close()


@pytest.fixture
def kernel_on_a_gpu(workspace, monkeypatch) -> None:
    """The machine has one GPU, of whose memory a kernel holds a part."""

    class Seen:
        def look(self, slots) -> None: ...

        def on(self, slot: GpuSlot, held: list[Held]) -> Foreign:
            return Foreign(int(3.1 * GIB), (KERNEL,))

    gpus = workspace.machine._gpus
    monkeypatch.setattr(gpus, "_slots", [GpuSlot(uuid="GPU-a", index=0, name="H100", memory_bytes=80 * GIB)])
    monkeypatch.setattr(gpus, "_occupants", Seen())


def check(workspace: Workspace, name: str) -> Check:
    return next(each for each in Doctor(workspace).checks() if each.name == name)


@pytest.mark.usefixtures("taken")
def test_terminal_shows_the_jobs_that_have_gpus(capsys):
    assert main(["gpus"]) == 0
    shown = capsys.readouterr().out
    assert "0.5 of it taken by job abcdef of bob" in shown
    assert main(["gpus", "--json"]) == 0
    assert [each["free_share"] for each in json.loads(capsys.readouterr().out)] == [0.5, 1.0]


@pytest.mark.usefixtures("kernel_on_a_gpu")
def test_terminal_shows_the_kernels_that_hold_memory(capsys):
    assert main(["gpus"]) == 0
    shown = capsys.readouterr().out
    assert KERNEL in shown
    assert "all, 76.9 GiB" in shown


@pytest.mark.usefixtures("kernel_on_a_gpu", "taken_besides")
def test_narrow_terminal_loses_no_word(monkeypatch, capsys):
    told = f"0.5 of it taken by job abcdef of bob; {KERNEL}"
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["gpus"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(line.split("│")[-2].strip() for line in lines if "│" in line) == told
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["gpus"]) == 0
    assert f"who has it: {told}\n" in capsys.readouterr().out


def test_terminal_and_cell_say_where_there_are_none(workspace, monkeypatch, capsys):
    monkeypatch.setattr(workspace.machine._gpus, "_slots", [])
    assert main(["gpus"]) == 0
    assert "There are no GPUs here." in capsys.readouterr().out
    magic("gpus")
    assert "There are no GPUs here." in capsys.readouterr().out


@pytest.mark.usefixtures("taken")
def test_cell_shows_the_jobs_that_have_gpus(capsys):
    magic("gpus")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=4) for line in lines[2:]] == [
        ["0", "virtual", "GPU", "0.5", "0.5 of it taken by job abcdef of bob"],
        ["1", "virtual", "GPU", "all"],
    ]
    magic("gpus --json")
    assert [each["free_share"] for each in json.loads(capsys.readouterr().out)] == [0.5, 1.0]


@pytest.mark.usefixtures("kernel_on_a_gpu", "taken_besides")
def test_cell_has_a_line_for_each_who_has_a_part(capsys):
    magic("gpus")
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("0.5 of it taken by job abcdef of bob")
    assert lines[3].split(maxsplit=0) == [KERNEL]
    assert lines[3].index("kernel") == lines[2].index("0.5 of it")


def test_cell_shows_what_users_may_have(tmp_path, capsys, workspace):
    (tmp_path / "quotas.json").write_text('{"gpu_hours": 100, "users": {"bob": {"gpus": 1}}}')
    magic("gpus users")
    (bob,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("bob")]
    assert "100 GPU h" in bob
    magic("gpus users --json")
    users = {each["user"]: each for each in json.loads(capsys.readouterr().out)}
    assert users["bob"]["max_gpus"] == 1
    with pytest.raises(BadArguments, match="%mlops gpus users"):
        magic("gpus user")


def test_terminal_shows_what_users_may_have(tmp_path, capsys, workspace):
    (tmp_path / "quotas.json").write_text('{"gpu_hours": 100, "users": {"bob": {"gpus": 1}}}')
    assert main(["gpus", "--users"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("bob", "100 GPU h", "0.0 GPU h in 7 days"))
    assert main(["gpus", "--users", "--json"]) == 0
    users = {each["user"]: each for each in json.loads(capsys.readouterr().out)}
    assert users["bob"]["max_gpus"] == 1


@pytest.mark.usefixtures("taken")
def test_gpus_are_a_table():
    table = mlops.gpus()
    assert list(table["free_share"]) == [0.5, 1.0]
    assert table["holders"][0] == "0.5 of it taken by job abcdef of bob"


@pytest.mark.usefixtures("taken")
def test_doctor_names_who_has_the_gpus(workspace):
    message = "virtual slot 0 (0.5 of it taken by job abcdef of bob), virtual slot 1"
    assert check(workspace, "GPUs") == Check(name="GPUs", ok=True, message=message)


@pytest.mark.usefixtures("kernel_on_a_gpu")
def test_doctor_names_the_kernels_that_hold_memory(workspace):
    assert check(workspace, "GPUs").message == f"0: H100, 80 GiB ({KERNEL})"


def test_doctor_says_what_users_may_have(workspace, tmp_path):
    assert check(workspace, "quotas").message == "each user may have any number of GPUs at once"
    (tmp_path / "quotas.json").write_text(
        '{"gpus": 2, "gpu_hours": 50, "days": 3, "priority": 5, "users": {"bob": {}}}'
    )
    assert check(workspace, "quotas").message == (
        "each user may have 2 GPUs at once, 50 GPU-hours in 3 days, priorities up to 5; 1 user has other limits"
    )


def test_doctor_finds_quotas_that_cannot_be_used(workspace, tmp_path):
    (tmp_path / "quotas.json").write_text('{"gpus": "two"}')
    found = check(workspace, "quotas")
    assert not found.ok
    assert str(tmp_path / "quotas.json") in found.message
    assert "JUPYTER_MLOPS_QUOTAS" in found.fix
