"""Packing live objects into blobs, and getting them back as they were."""

from __future__ import annotations

import errno
import io
import os
import socket
import sqlite3
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import jupyter_mlops
from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.config import Settings, load_settings
from jupyter_mlops.entities import Carried, Job, JobStatus
from jupyter_mlops.errors import InvalidInput, MissingPackage, NotFound, PromotionRefused, Untrusted
from jupyter_mlops.notebooks.carried import carrying_cell, check_returns
from jupyter_mlops.services.carrying import service
from jupyter_mlops.services.carrying.loading import unpack
from jupyter_mlops.services.carrying.service import Carrying, notes, weighing
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.workspace import Workspace, use
from tests.optional import optional


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"home": tmp_path / "home", "user": "ada"}, environ={})


@pytest.fixture
def blobs(settings: Settings) -> LocalBlobStore:
    return LocalBlobStore(settings.home / "blobs")


@pytest.fixture
def carrying(blobs: LocalBlobStore, settings: Settings) -> Carrying:
    return Carrying(blobs, settings)


def unpacked(blobs: LocalBlobStore, items: Sequence[Carried]) -> dict[str, Any]:
    """What the generated cell makes of them."""
    found: dict[str, Any] = {}
    for each in items:
        names = each.together or [each.name]
        if each.name == names[0]:
            value = unpack(blobs, each.digest, each.format, names)
            found |= dict(zip(names, value if len(names) > 1 else (value,), strict=True))
    return found


def formats(items: Sequence[Carried]) -> dict[str, str]:
    return {each.name: each.format for each in items}


def test_each_object_goes_in_the_format_that_keeps_it(carrying: Carrying, blobs: LocalBlobStore) -> None:
    values = {
        "df": pd.DataFrame({"a": [1, 2]}),
        "series": pd.Series([1, 2], name="s"),
        "array": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "records": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        "scalar": np.array(3),
        "objects": np.array([{}, None], dtype=object),
        "masked": np.ma.masked_array([1, 2], mask=[True, False]),
        "nothing": None,
        "rows": [1, "a", {"b": (2,)}],
    }
    items = carrying.pack(values, list(values))
    assert formats(items) == {
        "df": "pandas",
        "series": "pickle",
        "array": "numpy",
        "records": "numpy",
        "scalar": "numpy",
        "objects": "pickle",
        "masked": "pickle",
        "nothing": "pickle",
        "rows": "pickle",
    }
    back = unpacked(blobs, items)
    pd.testing.assert_frame_equal(back["df"], values["df"])
    pd.testing.assert_series_equal(back["series"], values["series"])
    for name in ("array", "records", "scalar", "objects"):
        assert back[name].dtype == values[name].dtype
        assert np.array_equal(back[name], values[name])
    assert back["array"].flags.f_contiguous
    assert back["masked"].mask.tolist() == [True, False]
    assert (back["nothing"], back["rows"]) == (None, values["rows"])


def test_the_same_object_is_the_same_blob(carrying: Carrying) -> None:
    values = {"df": pd.DataFrame({"a": [1, 2]}), "rows": {"b": [1], "a": {2, 3}}}
    first, second = (carrying.pack(values, ["df", "rows"]) for _ in range(2))
    assert first == second


def test_objects_that_share_parts_still_do(carrying: Carrying, blobs: LocalBlobStore) -> None:
    base = {"w": [1]}
    frame = pd.DataFrame({"a": [1]})
    values = {"base": base, "net": [base], "alias": base, "frame": frame, "frames": {"f": frame}, "x": [1]}
    items = carrying.pack(values, list(values))
    assert {each.name: each.together for each in items} == {
        "base": ["base", "net", "alias"],
        "net": ["base", "net", "alias"],
        "alias": ["base", "net", "alias"],
        "frame": ["frame", "frames"],
        "frames": ["frame", "frames"],
        "x": [],
    }
    back = unpacked(blobs, items)
    assert back["net"][0] is back["base"] is back["alias"]
    assert back["frames"]["f"] is back["frame"]


def test_equal_objects_that_are_two_stay_two(carrying: Carrying, blobs: LocalBlobStore) -> None:
    items = carrying.pack({"a": [1], "b": [1]}, ["a", "b"])
    assert items[0].digest == items[1].digest
    back = unpacked(blobs, items)
    assert back["a"] is not back["b"]


def test_the_generated_cell_sets_each_name_once() -> None:
    items = [
        Carried(name="df", digest="d1", format="pandas", size_bytes=1),
        Carried(name="a", digest="d2", format="pickle", size_bytes=1, together=["a", "b"]),
        Carried(name="b", digest="d2", format="pickle", size_bytes=1, together=["a", "b"]),
    ]
    assert carrying_cell(items).splitlines()[1:] == [
        "import jupyter_mlops",
        'df = jupyter_mlops.carried("d1", "pandas", "df")',
        'a, b = jupyter_mlops.carried("d2", "pickle", "a", "b")',
    ]


def test_the_message_says_what_is_carried_and_what_it_weighs(carrying: Carrying) -> None:
    shared = [0]
    values = {"array": np.zeros((10, 2), dtype="float32"), "a": {"s": shared}, "b": [shared]}
    items = carrying.pack(values, list(values))
    size = items[1].size_bytes
    assert weighing(items) == (
        "Carries array (ndarray float32 10 x 2, 208 B), "
        f"a and b (dict of 1, list of 1, together {size} B): {208 + size} B in all."
    )
    assert weighing(items[:1]) == "Carries array (ndarray float32 10 x 2, 208 B)."
    assert weighing([]) == ""


class Holder:
    def __init__(self, part: Any) -> None:
        self.part = part


class Unloadable(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(one)


def hindered() -> Iterator[tuple[str, Any, str]]:
    lock = threading.Lock()
    yield "lock", lock, "x is a lock"
    yield "event", threading.Event(), "x is a lock"
    yield "lock within", Holder({"l": [lock]}), "in it, x.part['l'][0] is a lock"
    yield "generator", (n for n in ()), r"x is a generator.*list(x)"
    yield "file", open(os.devnull), "x is an open file"  # noqa: SIM115
    yield "file within", [open(os.devnull)], "in it, x[0] is an open file"  # noqa: SIM115
    yield "connection", sqlite3.connect(":memory:"), "x is a connection"
    yield "socket", socket.socket(), "x is a connection"
    yield "thread", threading.Thread(), "x is a thread"
    yield "weak", weakref.ref(Holder), "x is a weak reference"
    yield "module", np, "x is a module"
    yield (
        "job",
        jupyter_mlops.Job(Job(spec=job_spec(), status=JobStatus.QUEUED)),
        "the handle of a job.*x.result",
    )
    yield "unloadable", Unloadable(1, 2), "it can be pickled, but unpickling it failed with TypeError"


@pytest.mark.parametrize(
    ("value", "said"), [each[1:] for each in hindered()], ids=[each[0] for each in hindered()]
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_cannot_be_carried_is_refused_with_the_way_out(
    carrying: Carrying, value: Any, said: str
) -> None:
    with pytest.raises(PromotionRefused) as caught:
        carrying.pack({"x": value, "y": [1]}, ["y", "x"])
    message = caught.value.message
    assert message.startswith("'x' ")
    assert all(part in message for part in said.split(".*"))
    assert not list((carrying._settings.home).glob("packing-*"))


def test_files_in_memory_are_no_open_files(carrying: Carrying, blobs: LocalBlobStore) -> None:
    assert unpacked(blobs, carrying.pack({"b": io.BytesIO(b"ab")}, ["b"]))["b"].getvalue() == b"ab"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dff", "There is no variable 'dff' to carry in this kernel. Did you mean 'df'?"),
        ("zzz", "Run the cell that makes it first."),
        ("df.a", "takes names of variables, not 'df.a'"),
    ],
)
def test_a_name_that_is_none_is_refused(carrying: Carrying, name: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        carrying.pack({"df": 1}, [name])


def test_a_full_disk_is_said_before_anything_is_queued(
    carrying: Carrying, blobs: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(blobs, "put_file", full)
    with pytest.raises(
        PromotionRefused, match=r"x cannot be stored in .*No space left on device\. Make room"
    ):
        carrying.pack({"x": 1}, ["x"])


def test_a_large_pickle_is_not_loaded_again_to_try_it(
    carrying: Carrying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "TRIED_BYTES", 10)
    assert carrying.pack({"x": Unloadable(1, 2)}, ["x"])[0].format == "pickle"


def test_what_a_killed_packer_left_is_removed(carrying: Carrying, settings: Settings) -> None:
    old, new = settings.home / "packing-old", settings.home / "packing-new"
    for each in (old, new):
        each.mkdir(parents=True)
    os.utime(old, (0, 0))
    carrying.pack({"x": 1}, ["x"])
    assert (old.exists(), new.exists()) == (False, True)


# ------------------------------------------------------------------ torch
def test_tensors_and_states_go_as_safetensors(carrying: Carrying, blobs: LocalBlobStore) -> None:
    torch = optional("torch")
    optional("safetensors")
    state = torch.nn.Linear(2, 3).state_dict()
    values = {
        "t": torch.arange(3, dtype=torch.bfloat16),
        "wants": torch.ones(2, requires_grad=True),
        "state": state,
        "plain": {"b": torch.ones(1), "a": torch.tensor(2)},
    }
    items = carrying.pack(values, list(values))
    assert set(formats(items).values()) == {"safetensors"}
    back = unpacked(blobs, items)
    assert torch.equal(back["t"], values["t"])
    assert back["wants"].requires_grad
    assert isinstance(back["state"], OrderedDict)
    assert list(back["state"]) == list(state)
    assert back["state"]._metadata == state._metadata
    assert list(back["plain"]) == ["b", "a"]
    assert all(torch.equal(back["state"][name], state[name]) for name in state)


def test_tensors_that_share_memory_still_do(carrying: Carrying, blobs: LocalBlobStore) -> None:
    torch = optional("torch")
    base = torch.arange(6.0)
    tied = torch.nn.Linear(2, 2)
    values = {
        "views": {"all": base, "end": base[3:]},
        "model": tied,
        "weight": tied.weight,
        "turned": base.reshape(2, 3).T,
    }
    items = carrying.pack(values, ["views", "model", "weight"])
    assert formats(items) == {"views": "pickle", "model": "pickle", "weight": "pickle"}
    back = unpacked(blobs, items)
    back["views"]["end"][0] = 100
    assert back["views"]["all"].tolist() == [0, 1, 2, 100, 4, 5]
    assert back["weight"] is back["model"].weight
    (item,) = carrying.pack(values, ["turned"])
    assert item.format == "pickle", "safetensors would lay it out anew"
    assert unpacked(blobs, [item])["turned"].stride() == (1, 3)


def test_a_state_goes_with_the_model_that_it_belongs_to(carrying: Carrying, blobs: LocalBlobStore) -> None:
    torch = optional("torch")
    model = torch.nn.Linear(2, 2)
    items = carrying.pack({"model": model, "state": model.state_dict()}, ["model", "state"])
    back = unpacked(blobs, items)
    with torch.no_grad():
        back["state"]["bias"].fill_(7)
    assert back["model"].bias.tolist() == [7, 7]


def test_a_tensor_with_a_history_of_gradients_is_refused(carrying: Carrying) -> None:
    torch = optional("torch")
    with pytest.raises(PromotionRefused, match=r"x is a tensor with a history.*x\.detach\(\)"):
        carrying.pack({"x": torch.ones(1, requires_grad=True) * 2}, ["x"])


# ------------------------------------------------------------------ unpacking
def test_what_cannot_be_unpacked_says_so(blobs: LocalBlobStore) -> None:
    digest = blobs.put(b"no pickle").digest
    with pytest.raises(InvalidInput, match="'x' cannot be unpacked here: UnpicklingError"):
        unpack(blobs, digest, "pickle", ["x"])
    with pytest.raises(InvalidInput, match="'x' lies in the unknown format 'zip'"):
        unpack(blobs, digest, "zip", ["x"])
    missing = blobs.put(b"cno_such_module\nThing\n.").digest
    with pytest.raises(MissingPackage, match="'x' needs 'no_such_module'"):
        unpack(blobs, missing, "pickle", ["x"])
    with pytest.raises(NotFound, match="'x' cannot be loaded: its blob is gone"):
        unpack(blobs, "0" * 64, "pickle", ["x"])


def test_arrays_that_hold_pickles_are_not_loaded(blobs: LocalBlobStore) -> None:
    file = io.BytesIO()
    np.save(file, np.array([Holder(1)], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidInput, match="allow_pickle=False"):
        unpack(blobs, blobs.put(file.getvalue()).digest, "numpy", ["x"])


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    workspace = Workspace(settings)
    use(workspace)
    yield workspace
    use(None)


def test_a_pickle_is_loaded_only_where_a_job_of_this_user_carries_it(
    workspace: Workspace, settings: Settings
) -> None:
    carrying = Carrying(workspace.blobs, settings)
    (rows,), (array,) = (carrying.pack({"x": value}, ["x"]) for value in ([1, 2], np.arange(2)))
    assert jupyter_mlops.carried(array.digest, array.format, "x").tolist() == [0, 1], "runs no code"
    with pytest.raises(Untrusted, match=r"no job here carries it.*trust=True"):
        jupyter_mlops.carried(rows.digest, rows.format, "x")
    assert jupyter_mlops.carried(rows.digest, rows.format, "x", trust=True) == [1, 2]
    workspace.jobs.store.add(Job(spec=job_spec(user="eve", carried=[rows]), status=JobStatus.FAILED))
    with pytest.raises(Untrusted, match=r"a job of 'eve', not of yours.*JUPYTER_MLOPS_TRUSTED_USERS"):
        jupyter_mlops.carried(rows.digest, rows.format, "x")
    workspace.jobs.store.add(Job(spec=job_spec(user="ada", carried=[rows]), status=JobStatus.FAILED))
    assert jupyter_mlops.carried(rows.digest, rows.format, "x") == [1, 2]


def test_a_row_of_a_team_that_names_this_user_vouches_for_no_pickle(
    workspace: Workspace, settings: Settings
) -> None:
    shared = Workspace(replace(settings, database=f"sqlite:///{settings.home}/registry.sqlite"))
    (rows,) = Carrying(workspace.blobs, settings).pack({"x": [1, 2]}, ["x"])
    spec = job_spec(user="ada", carried=[rows])
    workspace.jobs.store.add(Job(spec=spec, status=JobStatus.FAILED))
    use(shared)
    with pytest.raises(Untrusted, match="no job here carries it"):
        jupyter_mlops.carried(rows.digest, rows.format, "x")
    JobFolder.of(settings.home, spec.id).create(spec, b"{}", {})
    assert jupyter_mlops.carried(rows.digest, rows.format, "x") == [1, 2]


def test_a_note_says_that_tensors_lie_on_a_gpu_and_is_told_once() -> None:
    note = service._of_devices({"model": 1, "state": 2}, {"cuda:0"})
    assert note == (
        "model and state: tensors lie on cuda:0, so the job needs GPUs (--gpus); "
        "or carry a copy that was moved with .cpu()."
    )
    item = Carried(name="model", digest="d", format="pickle", size_bytes=1, note=note)
    assert notes([item, item]) == [note]


# ------------------------------------------------------------------ returning
@pytest.mark.parametrize(
    "sources", [["model = 1"], ["from x import *"], ["%run other.py"], ["globals()['model'] = 1"]]
)
def test_a_name_that_the_job_may_set_can_be_asked_for(sources: list[str]) -> None:
    check_returns(["model"], sources)


def test_a_name_that_no_cell_sets_cannot_be_asked_for() -> None:
    check_returns(["df"], ["model = 1"], carried=["df"])
    with pytest.raises(InvalidInput, match=r"no cell of the job sets 'modle'\. Did you mean 'model'\?"):
        check_returns(["modle"], ["model = 1"])
    with pytest.raises(InvalidInput, match=r"--return takes names of variables, not 'a\.b'"):
        check_returns(["a.b"], ["a = 1"])
