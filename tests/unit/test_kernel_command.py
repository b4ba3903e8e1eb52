"""Which interpreter a job's kernel gets."""

from __future__ import annotations

from jupyter_mlops.services.jobs.environment import kernel_command
from jupyter_mlops.testing.jobs import job_spec

LAUNCHER = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]


def test_kernel_has_the_interpreter_that_the_worker_has() -> None:
    spec = job_spec(interpreter="/here/python", kernel_argv=["/here/python", *LAUNCHER])
    assert kernel_command(spec, "/node/python") == ["/node/python", *LAUNCHER]
    assert kernel_command(spec, "/here/python") == spec.kernel_argv


def test_kernel_with_an_interpreter_of_its_own_keeps_it() -> None:
    spec = job_spec(interpreter="/here/python", kernel_argv=["/usr/bin/R", "--slave"])
    assert kernel_command(spec, "/node/python") == ["/usr/bin/R", "--slave"]


def test_kernelspec_decides_where_no_command_is_given() -> None:
    assert kernel_command(job_spec(), "/node/python") is None
