"""A real kernel, spoken to as a front end does."""

from __future__ import annotations

import ast
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from jupyter_mlops.config import PROCESS_VARIABLES
from jupyter_mlops.journal import all_journals, read_chunk
from jupyter_mlops.journal.records import AnyRecord, Close, End, Start

NOTEBOOK = "/project/digits.ipynb"


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a process needs to use a workspace below ``folder`` and nothing of the surrounding one."""
    unwanted = {*PROCESS_VARIABLES, "JPY_SESSION_NAME", "PYTEST_CURRENT_TEST"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return kept | {
        "JUPYTER_MLOPS_HOME": str(folder / "home"),
        "JUPYTER_MLOPS_RUNTIME": str(folder / "runtime"),
        "JUPYTER_MLOPS_LEASES": str(folder / "leases"),
        "IPYTHONDIR": str(folder / "ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        **more,
    }


@dataclass
class Reply:
    """What a cell led to: its output messages as (type, content), and the execute reply's content."""

    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    reply: dict[str, Any] = field(default_factory=dict)

    @property
    def kinds(self) -> list[str]:
        """The types of the messages, but for the footer's."""
        return [kind for kind, content in self.messages if not _is_footer(content)]

    @property
    def ok(self) -> bool:
        return bool(self.reply.get("status") == "ok")

    @property
    def text(self) -> str:
        """All streams."""
        return "".join(content["text"] for kind, content in self.messages if kind == "stream")

    @property
    def result(self) -> str | None:
        """The text of the last value."""
        found = [content for kind, content in self.messages if kind == "execute_result"]
        return found[-1]["data"]["text/plain"] if found else None

    @property
    def footer(self) -> str | None:
        found = [content["data"]["text/plain"] for _, content in self.messages if _is_footer(content)]
        return found[-1] if found else None

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [content for kind, content in self.messages if kind == "error"]


def _is_footer(content: Mapping[str, Any]) -> bool:
    return "jp-mlops-footer" in content.get("data", {}).get("text/html", "")


class Kernel:
    """A running kernel with its own workspace in ``home``."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient, home: Path) -> None:
        self.manager, self.client, self.home = manager, client, home

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)

    def send(self, code: str, *, cell_id: str = "cell-1", silent: bool = False) -> str:
        """Start a cell; returns the message's id."""
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id})
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def receive(self, message_id: str, *, timeout_s: float = 60.0, until: str | None = None) -> Reply:
        """Everything until the cell is idle, or until ``until`` was printed."""
        reply, deadline = Reply(), time.monotonic() + timeout_s
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            if kind not in ("status", "execute_input"):
                reply.messages.append((kind, content))
            if until is not None and until in reply.text:
                return reply
        reply.reply = self._reply(message_id, deadline)
        return reply

    def run(
        self, code: str, *, cell_id: str = "cell-1", silent: bool = False, timeout_s: float = 60.0
    ) -> Reply:
        return self.receive(self.send(code, cell_id=cell_id, silent=silent), timeout_s=timeout_s)

    def value(self, expression: str) -> Any:
        """A literal value from the kernel's namespace."""
        reply = self.run(f"print(repr({expression}))")
        assert reply.ok, reply.errors
        return ast.literal_eval(reply.text)

    def interrupt(self) -> None:
        os.kill(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL: nothing in it gets a chance to say goodbye."""
        os.kill(self.pid, signal.SIGKILL)

    def runs(self) -> dict[str, list[AnyRecord]]:
        """All runs; of those that have ended also the surroundings, which come a little later."""
        deadline = time.monotonic() + 60
        while _under_way(self.home) and time.monotonic() < deadline:
            time.sleep(0.01)
        return runs_in(self.home)

    def last_run(self) -> list[AnyRecord]:
        """The records of the run that began last."""
        return list(self.runs().values())[-1]

    def _reply(self, message_id: str, deadline: float) -> dict[str, Any]:
        while True:
            try:
                message = self.client.get_shell_msg(timeout=max(0.01, deadline - time.monotonic()))
            except Empty:
                raise AssertionError("the kernel did not reply") from None
            if message["parent_header"].get("msg_id") == message_id:
                return dict(message["content"])


@contextmanager
def running_kernel(
    folder: Path, *, load: bool = True, cwd: Path | None = None, **variables: str
) -> Iterator[Kernel]:
    """A kernel whose workspace is ``folder / "home"``; ``variables`` go into its environment."""
    manager, client = start_new_kernel(
        kernel_name="python3", env=environment(folder, **variables), cwd=str(cwd or folder)
    )
    kernel = Kernel(manager, client, folder / "home")
    try:
        if load:
            reply = kernel.run("%load_ext jupyter_mlops")
            assert reply.ok, reply.errors
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _under_way(home: Path) -> bool:
    """Whether a journal with its run's end still waits for more."""
    journals = (read_chunk(key.path(home)).records for key in all_journals(home))
    return any(
        any(isinstance(record, End) for record in records) and not isinstance(records[-1], Close)
        for records in journals
    )


def runs_in(home: Path) -> dict[str, list[AnyRecord]]:
    """The records of every run by its id, oldest run first, merged as readers merge them."""
    found: dict[str, list[tuple[float, str, int, AnyRecord]]] = {}
    for key in all_journals(home):
        for record in read_chunk(key.path(home)).records:
            found.setdefault(key.run_id, []).append((record.t, key.writer, record.n, record))
    ordered = {
        run_id: [each[-1] for each in sorted(lines, key=lambda line: line[:3])]
        for run_id, lines in found.items()
    }
    started = {
        run_id: next((r.t for r in records if isinstance(r, Start)), 0.0)
        for run_id, records in ordered.items()
    }
    return dict(sorted(ordered.items(), key=lambda item: started[item[0]]))


def of(records: list[AnyRecord], kind: type) -> list[Any]:
    """The records of one type."""
    return [record for record in records if isinstance(record, kind)]


def params(records: list[AnyRecord]) -> dict[str, Any]:
    from jupyter_mlops.journal.records import Params

    return {name: value for record in of(records, Params) for name, value in record.p.items()}


def metrics(records: list[AnyRecord]) -> dict[str, Any]:
    """Last values of what was logged; the machine's load is none of it."""
    from jupyter_mlops.journal.records import Metrics

    found = {name: value for record in of(records, Metrics) for name, value in record.m.items()}
    return {name: value for name, value in found.items() if not name.startswith("system/")}


def context(records: list[AnyRecord]) -> dict[str, Any]:
    """All surroundings."""
    from jupyter_mlops.journal.records import Context

    return {key: value for record in of(records, Context) for key, value in record.values.items()}


def load(records: list[AnyRecord]) -> dict[str, list[float]]:
    """The series of the machine's load, by their names."""
    from jupyter_mlops.journal.records import Metrics

    found: dict[str, list[float]] = {}
    for record in of(records, Metrics):
        for name, value in record.m.items():
            if name.startswith("system/"):
                found.setdefault(name, []).append(float(value))
    return found


def end(records: list[AnyRecord]) -> End:
    """The run's end; fails when there is none, or more than one."""
    (found,) = of(records, End)
    return found  # type: ignore[no-any-return]


def shown_text(records: list[AnyRecord]) -> str:
    """All recorded stream output."""
    from jupyter_mlops.journal.records import Displayed

    return "".join(r.data.get("text/plain", "") for r in of(records, Displayed) if r.message == "stream")
