"""The memory that an engine may take is a share of what its control group allows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from jupyter_mlops import profiler
from jupyter_mlops.services.columnar import engine
from jupyter_mlops.services.columnar.memory import usable_bytes

MIB = 1024**2
ALL = psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("lines", "files", "expected"),
    [
        ("0::/user/kernel\n", {"user/kernel/memory.max": "max", "user/memory.max": str(64 * MIB)}, 64 * MIB),
        ("0::/host/path\n", {"memory.max": str(32 * MIB)}, 32 * MIB),
        ("0::/\n", {"memory.max": "max\n"}, ALL),
        ("5:memory:/job\n0::/\n", {"memory/job/memory.limit_in_bytes": str(16 * MIB)}, 16 * MIB),
        ("5:memory:/job\n", {"memory/job/memory.limit_in_bytes": "9223372036854771712"}, ALL),
        ("3:cpu,cpuacct:/job\n", {"cpu/job/memory.limit_in_bytes": "1"}, ALL),
    ],
)
def test_least_limit_of_the_group_and_those_above_holds(
    tmp_path: Path, lines: str, files: dict[str, str], expected: int
) -> None:
    own = tmp_path / "own"
    own.write_text(lines)
    for name, text in files.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(text)
    assert usable_bytes(root=tmp_path / "tree", own=own) == expected


def test_all_memory_is_usable_where_there_are_no_groups(tmp_path: Path) -> None:
    assert usable_bytes(root=tmp_path, own=tmp_path / "none") == ALL


def test_engine_takes_a_share_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "usable_bytes", lambda: 400 * MIB)
    assert engine._memory_bytes() == 100 * MIB


def test_profiler_is_the_first_to_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(profiler, "OOM_SCORE", tmp_path / "score")
    monkeypatch.setattr(profiler, "NICENESS", 0)
    nothing_to_do = SimpleNamespace(settings=SimpleNamespace(home=tmp_path / "none"))
    monkeypatch.setattr("jupyter_mlops.workspace.current", lambda: nothing_to_do)
    assert profiler.main() == 0
    assert (tmp_path / "score").read_text() == "1000"
