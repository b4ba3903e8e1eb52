"""Some of the corpus as a user would have it: a real kernel, ``%%submit``, and a job in a kernel of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.config import load_settings
from jupyter_mlops.services.jobs.agent_control import AgentControl
from tests.integration.kernel import Kernel, environment, running_kernel

from .corpus import FOLDER, example
from .sessions import ROOT

SAMPLE = ("async-cells", "class-over-several-cells", "out-of-order", "shell-lines", "sklearn-dict-of-models")


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path, JUPYTER_MLOPS_NOTEBOOK=str(tmp_path / "notebook.ipynb")) as kernel:
        yield kernel
    AgentControl(load_settings(environ=environment(tmp_path))).stop()


@pytest.mark.parametrize("name", SAMPLE)
def test_the_job_has_the_values_of_the_live_kernel(kernel: Kernel, name: str) -> None:
    one = example(FOLDER / f"{name}.ipynb")
    for number in one.numbers:
        assert kernel.run(one.source_of(number)).ok or one.may_raise(number)
    returned = ",".join(one.compared)
    reply = kernel.run(f"%%submit {name} --return {returned} --wait\n{one.submitted}")
    assert reply.ok, reply.errors
    kernel.run(f"import sys; sys.path.append({str(ROOT)!r}); job = _", silent=True)
    assert kernel.run("from tests.notebooks.plain import plain").ok
    of_the_job = {each: kernel.value(f"repr(plain(job.namespace({each!r})))") for each in one.compared}
    assert kernel.run(one.submitted).ok
    assert of_the_job == {each: kernel.value(f"repr(plain({each}))") for each in one.compared}
