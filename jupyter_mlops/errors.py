"""The exception tree of jupyter-mlops.

    MlopsError
    ├── NotFound            a run, job, dataset, model, notebook or blob that does not exist
    ├── InvalidInput        an argument that cannot be used as it stands
    │   ├── FilterError     a filter that does not parse, with the position
    │   └── ParameterError  a notebook parameter that is unknown, mistyped or cannot win
    ├── Ambiguous           a short id that several things match
    ├── Forbidden           the user's role does not allow it
    ├── GatesRefused        an alias may not move to that version: a gate does not let it pass
    ├── ExpectationsFailed  a dataset's content is not what its expectations say
    ├── Conflict            the present state forbids it (an alias race, a job that has ended)
    ├── NoActiveRun         log() and friends outside of any run
    ├── PromotionRefused    a cell that cannot become a job as it stands
    ├── JobFailed           a job that was waited for did not succeed
    ├── TrialPruned         a sweep's pruner stops this trial: let it pass, or clean up and raise again
    ├── WaitTimeout         a wait ended before what was waited for
    ├── Untrusted           a pickle that nobody vouched for
    ├── Corrupt             a blob whose content is not what its digest says
    │   └── ContentChanged  what a dataset refers to is not any more what was registered
    ├── Unavailable         a store, an agent or an executor that cannot be reached or started
    ├── MissingPackage      an optional package that is not installed
    └── Unsupported         this platform cannot do it

Each class has a stable wire ``code``; REST bodies and the CLI's ``--json`` errors carry it.
A message says what is wrong, with which value, and what to do next.
"""

from __future__ import annotations

from typing import ClassVar


class MlopsError(Exception):
    """Anything jupyter-mlops refuses or fails to do."""

    code: ClassVar[str] = "error"

    @property
    def message(self) -> str:
        return str(self.args[0]) if self.args else type(self).__name__


class NotFound(MlopsError):
    code = "not_found"


class InvalidInput(MlopsError, ValueError):
    code = "invalid_input"


class FilterError(InvalidInput):
    code = "invalid_filter"


class ParameterError(InvalidInput):
    code = "invalid_parameter"


class Ambiguous(MlopsError):
    code = "ambiguous"


class Conflict(MlopsError):
    code = "conflict"


class Forbidden(MlopsError):
    code = "forbidden"


class GatesRefused(MlopsError):
    code = "gates_refused"


class ExpectationsFailed(MlopsError):
    code = "expectations_failed"


class ExpectationWarning(UserWarning):
    """A dataset's content is not what its expectations say, and they only warn."""


class NoActiveRun(MlopsError):
    code = "no_active_run"


class PromotionRefused(MlopsError):
    code = "promotion_refused"


class JobFailed(MlopsError):
    code = "job_failed"


class TrialPruned(MlopsError):
    """The sweep's pruner stops this trial: ``log()`` raises it, and the cell ends there."""

    code = "trial_pruned"


class WaitTimeout(MlopsError, TimeoutError):
    code = "wait_timeout"


class Untrusted(MlopsError):
    code = "untrusted"


class Corrupt(MlopsError):
    code = "corrupt"


class ContentChanged(Corrupt):
    code = "content_changed"


class Unavailable(MlopsError):
    code = "unavailable"


class MissingPackage(MlopsError, ImportError):
    code = "missing_package"


class Unsupported(MlopsError):
    code = "unsupported"
