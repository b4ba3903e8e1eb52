"""Profiles of folders and of files that are no tables."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jupyter_mlops.entities import FileSummary, ImageSummary, ProfileStatus, TextSummary, ValueCount
from tests.datasets import profile_at
from tests.optional import optional


def folder_of_images(root: Path) -> Path:
    image = optional("PIL.Image")
    for kind, mode, size in (("cats", "RGB", (64, 48)), ("cats", "RGB", (64, 48)), ("dogs", "L", (32, 32))):
        place = root / kind
        place.mkdir(parents=True, exist_ok=True)
        image.new(mode, size).save(place / f"{len(list(place.iterdir()))}.png")
    (root / "dogs" / "broken.jpg").write_bytes(b"no image")
    return root


def test_images_are_counted_by_format_size_mode_and_class(tmp_path: Path) -> None:
    found = profile_at(folder_of_images(tmp_path / "images"))
    assert found.status is ProfileStatus.READY
    assert found.images == ImageSummary(
        count=4,
        formats={"PNG": 3},
        sizes={"64x48": 2, "32x32": 1},
        modes={"RGB": 2, "L": 1},
        classes={"cats": 2, "dogs": 2},
        unreadable=["dogs/broken.jpg"],
    )
    assert found.files is not None
    assert found.files.suffixes == {".png": 3, ".jpg": 1}


def test_without_pillow_images_are_counted_by_their_endings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of_images(tmp_path / "images")
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert profile_at(folder).images == ImageSummary(
        count=4, formats={"png": 3, "jpg": 1}, sizes={}, modes={}, classes={"cats": 2, "dogs": 2}
    )


def test_texts_are_counted_in_their_encodings(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("The cat\nand the dog\n")
    (folder / "b.md").write_text("größer: the end", encoding="utf-8")
    (folder / "c.log").write_text("größer", encoding="latin-1")
    (folder / "d.txt").write_text("größer", encoding="utf-16")
    (folder / "e.txt").write_text("")
    found = profile_at(folder)
    assert found.texts == TextSummary(
        files=5,
        lines=5,
        words=10,
        characters=20 + 15 + 6 + 6,
        encodings={"ascii": 2, "utf-8": 1, "latin-1": 1, "utf-16": 1},
        top_words=[ValueCount(value="größer", count=3), ValueCount(value="the", count=3)],
    )


def test_words_are_whole_where_pieces_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.services.profiles.texts.PIECE", 5)
    (tmp_path / "a.txt").write_text("abcdef abcdef\nabcdefghijkl abcdef")
    found = profile_at(tmp_path / "a.txt").texts
    assert found is not None
    assert (found.words, found.top_words) == (4, [ValueCount(value="abcdef", count=3)])


def test_any_other_folder_has_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "x.BIN").write_bytes(b"12345")
    (folder / "y.bin").write_bytes(b"1")
    (folder / "Makefile").write_bytes(b"12")
    assert profile_at(folder).files == FileSummary(
        count=3,
        size_bytes=8,
        suffixes={".bin": 2, "(none)": 1},
        suffix_bytes={".bin": 6, "(none)": 2},
        largest={"deep/x.BIN": 5, "Makefile": 2, "y.bin": 1},
    )


def test_of_a_file_that_is_nothing_known_only_its_size_is(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"12345")
    found = profile_at(tmp_path / "weights.bin")
    assert (found.status, found.problem) == (ProfileStatus.UNSUPPORTED, "")
    assert found.files is not None
    assert found.files.size_bytes == 5


def test_an_empty_folder_has_a_profile(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = profile_at(tmp_path / "empty")
    assert (found.status, found.files and found.files.count) == (ProfileStatus.READY, 0)
