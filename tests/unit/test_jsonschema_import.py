"""nbformat loads without the grammars that jsonschema would have compiled for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SLOW = """
import sys
print("compiles its grammars")
def is_valid_syntax(term, value):
    return (term, value) == ("iri", "https://a.example")
"""
LOAD = (
    "from jupyter_mlops.notebooks.jsonschema_import import import_jsonschema as load; load(); import nbformat"
)
CHECK = "import jsonschema; print(jsonschema.FormatChecker().conforms({value!r}, 'iri'))"


def output_of(folder: Path, *lines: str) -> list[str]:
    (folder / "rfc3987_syntax.py").write_text(SLOW)
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    answer = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    return answer.stdout.splitlines()


def test_nbformat_loads_without_the_grammars(tmp_path: Path) -> None:
    left = "import sys; print('rfc3987_syntax' in sys.modules)"
    assert output_of(tmp_path, LOAD, left) == ["False"]


def test_an_iri_is_checked_as_before_once_somebody_asks(tmp_path: Path) -> None:
    right, wrong = CHECK.format(value="https://a.example"), CHECK.format(value="no iri")
    assert output_of(tmp_path, LOAD, right, wrong) == ["compiles its grammars", "True", "False"]


def test_what_is_loaded_already_is_left_as_it_is(tmp_path: Path) -> None:
    assert output_of(tmp_path, "import jsonschema", LOAD) == ["compiles its grammars"]


def test_submitting_from_a_process_takes_the_quick_way(tmp_path: Path) -> None:
    code = "from jupyter_mlops.services.jobs.origin import Origin; Origin.here(); import nbformat"
    assert output_of(tmp_path, code) == []
