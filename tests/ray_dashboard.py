"""A Ray dashboard of a test's own making, for what a real Ray does seldom or slowly."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Dashboard:
    """Answers as Ray 2.60 does. The test changes ``jobs``, takes it away, or has it hang."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.submitted: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self.tokens: list[str | None] = []
        self.wants_token: str | None = None
        self.refuses = ""
        self.loses_answers = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.nodes = [{"node_id": "a", "node_name": "n", "state": "ALIVE", "resources_total": {"CPU": 4}}]
        self._late = ""
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def come(self) -> None:
        """Answer, at the address that it had before."""
        dashboard = self

        class Handler(_Handler):
            here = dashboard

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def go(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def end(self, submission_id: str, status: str, **said: Any) -> None:
        self.jobs[submission_id] = {"submission_id": submission_id, "status": status, **said}

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.may_answer.wait(30)
        if path.startswith("/api/v0/nodes"):
            return 200, {"data": {"result": {"result": self.nodes}}}
        if path.startswith("/api/cluster_status"):
            return 200, {"data": {"clusterStatus": None}}
        if method == "POST" and path == "/api/jobs/":
            return self._submit(body)
        if path == "/api/jobs/":
            return 200, list(self.jobs.values())
        submission_id, _, verb = path.removeprefix("/api/jobs/").partition("/")
        if submission_id not in self.jobs:
            return 404, f"Job {submission_id} does not exist"
        if verb == "stop":
            self.stopped.append(submission_id)
        elif method == "DELETE":
            del self.jobs[submission_id]
        return 200, {"deleted": True} if method == "DELETE" else self.jobs.get(submission_id)

    def _submit(self, body: dict[str, Any]) -> tuple[int, Any]:
        submission_id = body["submission_id"]
        if submission_id == self._late:
            self.end(submission_id, "PENDING", message="Job has not started yet.")
        if self.refuses:
            return 500, f"Traceback:\nRuntimeError: Request failed with status code 400: x\n{self.refuses}\n."
        if submission_id in self.jobs:
            return 500, f"status code 400\nValueError: Job with submission_id {submission_id} already exists."
        self.submitted.append(body)
        if self.loses_answers:  # and the job is there only when it is asked for again
            self.loses_answers -= 1
            self._late = submission_id
            return 500, "No available agent to submit job, please try again later."
        self.end(submission_id, "PENDING", message="Job has not started yet.")
        return 200, {"submission_id": submission_id}


class _Handler(BaseHTTPRequestHandler):
    here: Dashboard

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.headers.get("Authorization")
        self.here.tokens.append(token)
        if self.here.wants_token and token is None:
            status, said = 401, "Unauthorized: Missing authentication token"
        elif self.here.wants_token and token != f"Bearer {self.here.wants_token}":
            status, said = 403, "Forbidden: Invalid authentication token"
        else:
            status, said = self.here.answer(self.command, self.path, json.loads(body or b"{}"))
        data = (said if isinstance(said, str) else json.dumps(said)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def ray_dashboard() -> Iterator[Dashboard]:
    dashboard = Dashboard()
    dashboard.come()
    try:
        yield dashboard
    finally:
        dashboard.may_answer.set()
        dashboard.go()
