"""What every flavour of models must do; subclass it and give the fixtures that it asks for."""

from __future__ import annotations

import os
import pickle
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any, ClassVar

import pytest

from ..errors import Corrupt, InvalidInput, MissingPackage
from ..services.registry.flavours import storing
from ..services.registry.flavours.flavour import Flavour

UNICODE = "modèle 模型 ü"


class FlavourContract:
    """Inherit as ``class TestMine(FlavourContract)``.

    The fixture ``model`` is a model that the flavour takes, ``data`` what it can predict.
    """

    modules: ClassVar[tuple[str, ...]] = ()
    """What loading imports that need not be installed."""
    takes_anything: ClassVar[bool] = False
    """Whether it is asked last, and takes what nobody else does."""
    predicts: ClassVar[bool] = True
    """False where a loaded model is no program: then the models themselves are compared."""
    knows_damage: ClassVar[bool] = True
    """False where files are as they are: there the digest tells of damage."""

    def test_its_own_models_are_taken_and_others_are_not(self, flavour: Flavour, model: Any) -> None:
        assert flavour.accepts(model)
        assert flavour.accepts(object()) is self.takes_anything

    def test_loaded_model_predicts_the_same(
        self, flavour: Flavour, model: Any, data: Any, tmp_path: Path
    ) -> None:
        loaded = storing.load(flavour, stored(flavour, model, tmp_path), what="It", trusted=True)
        self.assert_same(flavour, loaded, model, data)

    def test_what_runs_no_code_is_loaded_without_trust(
        self, flavour: Flavour, model: Any, data: Any, tmp_path: Path
    ) -> None:
        if not flavour.runs_code:
            loaded = storing.load(flavour, stored(flavour, model, tmp_path), what="It", trusted=False)
            self.assert_same(flavour, loaded, model, data)

    def test_files_may_lie_anywhere_and_be_read_only(
        self, flavour: Flavour, model: Any, data: Any, tmp_path: Path
    ) -> None:
        path = writable(stored(flavour, model, tmp_path), tmp_path / UNICODE)
        for each in [path, *path.rglob("*")]:
            os.chmod(each, 0o555 if each.is_dir() else 0o444)
        loaded = storing.load(flavour, path, what="It", trusted=True)
        self.assert_same(flavour, loaded, model, data)

    def test_same_model_is_stored_as_the_same_bytes(
        self, flavour: Flavour, model: Any, tmp_path: Path
    ) -> None:
        if flavour.deterministic:
            first, second = (
                contents(stored(flavour, model, tmp_path / place)) for place in ("first", "second")
            )
            assert first == second

    def test_nothing_is_asked_of_the_network(
        self, flavour: Flavour, model: Any, data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any) -> None:
            raise AssertionError("a connection was opened")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        loaded = storing.load(flavour, stored(flavour, model, tmp_path), what="It", trusted=True)
        self.assert_same(flavour, loaded, model, data)

    def test_missing_package_is_named_with_what_to_install(
        self, flavour: Flavour, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = stored(flavour, model, tmp_path)
        for module in self.modules:
            with monkeypatch.context() as without:
                for name in [each for each in sys.modules if f"{each}.".startswith(f"{module}.")]:
                    without.setitem(sys.modules, name, None)
                without.setitem(sys.modules, module, None)
                with pytest.raises(MissingPackage, match=rf"^It needs .*{module}.*pip install '\S+'"):
                    storing.load(flavour, path, what="It", trusted=True)

    def test_damaged_files_are_refused(self, flavour: Flavour, model: Any, tmp_path: Path) -> None:
        if not self.knows_damage:
            return
        path = stored(flavour, model, tmp_path)
        for number, name in enumerate(contents(path)):
            for kept in (0.0, 0.5):
                damaged = writable(path, tmp_path / f"damaged-{number}-{kept}")
                file = damaged / name if damaged.is_dir() else damaged
                file.write_bytes(file.read_bytes()[: int(kept * file.stat().st_size)])
                with pytest.raises((Corrupt, InvalidInput), match=r"\S"):
                    storing.load(flavour, damaged, what="It", trusted=True)

    def test_pickle_in_the_place_of_a_file_is_not_unpickled(
        self, flavour: Flavour, model: Any, tmp_path: Path
    ) -> None:
        if flavour.runs_code or not self.knows_damage:
            return
        path = stored(flavour, model, tmp_path)
        for number, name in enumerate(contents(path)):
            forged = writable(path, tmp_path / f"forged-{number}")
            file = forged / name if forged.is_dir() else forged
            file.write_bytes(pickle.dumps(_MakesFolder(str(tmp_path / "ran"))))
            for trusted in (False, True):
                with pytest.raises((Corrupt, InvalidInput)):
                    storing.load(flavour, forged, what="It", trusted=trusted)
            assert not (tmp_path / "ran").exists()

    def assert_same(self, flavour: Flavour, loaded: Any, model: Any, data: Any) -> None:
        """That a loaded model does as the one that was stored."""
        if self.predicts:
            assert_equal(flavour.predict(loaded, data), flavour.predict(model, data))
        else:
            assert_equal(loaded, model)
            with pytest.raises(InvalidInput, match="does not predict"):
                flavour.predict(loaded, data)


class _MakesFolder:
    """Unpickling it makes a folder: the proof that something was unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self._path,)


def stored(flavour: Flavour, model: Any, folder: Path) -> Path:
    """Where ``flavour`` stores the model, below a new folder."""
    place = folder / "stored"
    place.mkdir(parents=True)
    return flavour.save(model, place).path


def contents(path: Path) -> dict[str, bytes]:
    """The bytes of a file, or of each file of a folder, by relative path."""
    files: Iterator[Path] = (each for each in sorted(path.rglob("*")) if each.is_file())
    if path.is_dir():
        return {each.relative_to(path).as_posix(): each.read_bytes() for each in files}
    return {"": path.read_bytes()}


def writable(path: Path, folder: Path) -> Path:
    """A copy of a file or folder under no name of its own, as blobs have none."""
    folder.mkdir()
    target = folder / "0123abcd"
    if path.is_dir():
        return Path(copytree(path, target))
    target.write_bytes(path.read_bytes())
    return target


def assert_equal(found: Any, expected: Any) -> None:
    """Arrays, tensors, tables and dicts of them, by value; paths by content."""
    import numpy as np

    if isinstance(expected, Path):
        assert contents(found) == contents(expected)
    elif isinstance(expected, dict):
        assert set(found) == set(expected)
        for name, each in expected.items():
            assert_equal(found[name], each)
    else:
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
