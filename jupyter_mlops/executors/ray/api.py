"""The REST calls of a Ray cluster's dashboard that jobs need.

The Jobs API is Ray's documented one (``/api/jobs/``); nodes and their free resources come from the state API
(``/api/v0/nodes``) and from what the autoscaler's monitor reports (``/api/cluster_status``).
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from ...errors import InvalidInput, Unavailable

TIMEOUT_S = 10.0
SUBMIT_TIMEOUT_S = 60.0
"""A head whose first job it is starts what manages jobs; a busy one takes its time."""
MOVED = (301, 302, 303, 307, 308)
ENDED = ("STOPPED", "SUCCEEDED", "FAILED")

T = TypeVar("T")


class RayJob(msgspec.Struct, frozen=True, kw_only=True):
    """What Ray says of a job."""

    submission_id: str | None = None
    status: str
    message: str | None = None
    error_type: str | None = None
    driver_exit_code: int | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the token that goes along is for the address that somebody gave."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class RayApi:
    """One cluster. Each call raises Unavailable when it does not answer or does not let us in."""

    def __init__(self, address: str, *, token: Callable[[], str | None]) -> None:
        self.address = address.rstrip("/")
        self._token = token
        self._opener = urllib.request.build_opener(_StayHere)

    def jobs(self) -> dict[str, RayJob]:
        """All jobs that were submitted, by submission id."""
        jobs = self._decoded(self._ask("GET", "/api/jobs/"), list[RayJob])
        return {job.submission_id: job for job in jobs if job.submission_id}

    def job(self, submission_id: str) -> RayJob | None:
        """None where the cluster knows of none."""
        answer = self._ask("GET", f"/api/jobs/{quote(submission_id)}", missing=b"null")
        return self._decoded(answer, RayJob | None)  # type: ignore[arg-type]

    def submit(self, request: dict[str, Any]) -> None:
        """Raises InvalidInput when Ray refuses it for good."""
        self._ask("POST", "/api/jobs/", request)

    def stop(self, submission_id: str) -> None:
        """Ask it to end; one that waits ends when its turn comes. Nothing happens where there is none."""
        self._ask("POST", f"/api/jobs/{quote(submission_id)}/stop", {}, missing=b"")

    def delete(self, submission_id: str) -> None:
        """Forget a job that has ended."""
        self._ask("DELETE", f"/api/jobs/{quote(submission_id)}", missing=b"")

    def logs(self, submission_id: str) -> str:
        """What Ray has kept of its output; empty where it has nothing."""
        answer = self._ask("GET", f"/api/jobs/{quote(submission_id)}/logs", missing=b'{"logs":""}')
        return self._decoded(answer, dict[str, str | None]).get("logs") or ""

    def nodes(self) -> list[dict[str, Any]]:
        """The living nodes, each with its ``node_id`` and ``resources_total``."""
        answer = self._decoded(self._ask("GET", "/api/v0/nodes?detail=1&limit=10000"), dict[str, Any])
        nodes = ((answer.get("data") or {}).get("result") or {}).get("result") or []
        return [node for node in nodes if node.get("state") == "ALIVE"]

    def status(self) -> dict[str, Any]:
        """The last report of the autoscaler's monitor; empty where none runs."""
        answer = self._decoded(self._ask("GET", "/api/cluster_status"), dict[str, Any])
        return (answer.get("data") or {}).get("clusterStatus") or {}

    def _decoded(self, answer: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable(f"What answers at {self.address} is no Ray dashboard: {error}.") from error

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, missing: bytes | None = None
    ) -> bytes:
        """The answer; ``missing`` for HTTP 404 where that is one."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token := self._token():
            headers["Authorization"] = f"Bearer {token}"
        submitting = method == "POST" and path == "/api/jobs/"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data=data, headers=headers, method=method)
        try:
            timeout_s = SUBMIT_TIMEOUT_S if submitting else TIMEOUT_S
            with self._opener.open(request, timeout=timeout_s) as response:
                answer: bytes = response.read()
                return answer
        except urllib.error.HTTPError as error:
            if error.code == 404 and missing is not None:
                return missing
            raise self._refused(error, submitting=submitting) from error
        except (OSError, HTTPException, ValueError) as error:
            cause = getattr(error, "reason", None) or error
            raise Unavailable(f"Ray at {self.address} does not answer: {cause}.") from error

    def _refused(self, error: urllib.error.HTTPError, *, submitting: bool) -> Exception:
        if error.code in (401, 403):
            return Unavailable(
                f"Ray at {self.address} wants a token (HTTP {error.code}): set RAY_AUTH_TOKEN, or write it "
                "into ~/.ray/auth_token."
            )
        if error.code in MOVED:
            where = error.headers.get("Location", "")
            return Unavailable(
                f"{self.address} is not where Ray's dashboard is (HTTP {error.code}): it points to {where}, "
                "and no token is sent there. Give the address where it is: --ray-address, or RAY_ADDRESS."
            )
        try:
            text = error.read().decode(errors="replace").strip()
        except (OSError, HTTPException):
            text = ""
        said = last_words(text) or error.reason
        # the head passes a job on to an agent, whose refusal comes as 500 with "status code 400" within
        if submitting and (error.code == 400 or "status code 400" in text):
            return InvalidInput(f"Ray at {self.address} refuses the job: {said}")
        return Unavailable(f"Ray at {self.address} answers HTTP {error.code}: {said}")


def last_words(text: str) -> str:
    """The last line that says something: of a traceback, the error itself."""
    lines = [line.strip() for line in text.splitlines() if line.strip(" .\t")]
    return lines[-1] if lines else ""
