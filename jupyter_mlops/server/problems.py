"""What went wrong, as HTTP says it: one table from an error's code to a status, one form of body."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from tornado.web import HTTPError

from ..errors import MlopsError

STATUS_OF_CODE = MappingProxyType(
    {
        "invalid_input": 400,
        "invalid_filter": 400,
        "invalid_parameter": 400,
        "forbidden": 403,
        "untrusted": 403,
        "not_found": 404,
        "ambiguous": 409,
        "conflict": 409,
        "content_changed": 409,
        "expectations_failed": 409,
        "gates_refused": 409,
        "no_active_run": 409,
        "promotion_refused": 409,
        "job_failed": 409,
        "trial_pruned": 409,
        "error": 500,
        "corrupt": 500,
        "missing_package": 501,
        "unsupported": 501,
        "unavailable": 503,
        "wait_timeout": 504,
    }
)
"""Every code of the exception tree (jupyter_mlops.errors) and its HTTP status."""

CODE_OF_STATUS = MappingProxyType(
    {
        400: "invalid_input",
        401: "forbidden",
        403: "forbidden",
        404: "not_found",
        405: "method_not_allowed",
        413: "too_large",
    }
)
"""The codes of what Tornado and Jupyter refuse before a handler of ours is asked."""

MESSAGE_OF_STATUS = MappingProxyType(
    {
        401: "This needs a login: send the server's token or log in.",
        403: "This needs a login that is allowed to do it: send the server's token or log in.",
        404: "There is nothing at this address.",
        405: "This address does not take this method.",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The body of an error, and its HTTP status."""

    status: int
    code: str
    message: str

    @property
    def body(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


def problem_of(error: BaseException | None, status: int = 500) -> Problem:
    """What to answer for an error; ``status`` is what Tornado would answer.

    The text of an unforeseen exception stays in the log: it may name a database's password.
    """
    if isinstance(error, MlopsError):
        return Problem(status=STATUS_OF_CODE.get(error.code, 500), code=error.code, message=error.message)
    if isinstance(error, HTTPError):
        return _problem_of_tornado(error)
    if isinstance(error, OSError):  # a full disk, a missing permission: the system's words are the best
        return Problem(status=503, code="unavailable", message=f"The workspace cannot be used: {error}")
    if error is None:
        return Problem(status=status, code=CODE_OF_STATUS.get(status, "error"), message=_default(status))
    message = f"An unexpected {type(error).__name__}; the server's log has its traceback."
    return Problem(status=500, code="error", message=message)


def _problem_of_tornado(error: HTTPError) -> Problem:
    status = error.status_code
    said = error.log_message % error.args if error.log_message else ""
    return Problem(
        status=status,
        code=CODE_OF_STATUS.get(status, "error"),
        message=said or error.reason or _default(status),
    )


def _default(status: int) -> str:
    return MESSAGE_OF_STATUS.get(status, f"The server answered {status}.")
