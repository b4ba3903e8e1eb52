"""Logging to the active run, and making a block or a function a run."""

from __future__ import annotations

import functools
import inspect
import linecache
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..capture.loaded import calls_of, loaded
from ..errors import InvalidInput
from ..workspace import current

if TYPE_CHECKING:
    from ..capture.loaded import Calls
    from ..entities import ModelVersion
    from ..services.tracking.reads import Reads
    from ..services.tracking.tracker import RunWriter

MAX_SOURCE = 1024 * 1024

F = TypeVar("F", bound=Callable[..., Any])


def log(values: Mapping[str, Any] | None = None, /, *, step: int | None = None, **metrics: Any) -> None:
    """Log numbers of the active run: ``log(loss=0.3, step=7)`` or ``log({"val/loss": 0.3}, step=7)``.

    Values are Python, NumPy or torch scalars, NaN and infinities included. When it returns, ``kill -9``
    loses nothing of it. Raises NoActiveRun outside of any run, InvalidInput for what is no number.
    """
    tracker = current().tracker
    if tracker.replaying:
        return
    tracker.active().log({**values, **metrics} if values else metrics, step=step)


def log_params(values: Mapping[str, Any] | None = None, /, **params: Any) -> None:
    """Log input values of the active run: scalars, or short lists and dicts of them."""
    tracker = current().tracker
    if not tracker.replaying:
        tracker.active().log_params({**(values or {}), **params})


def tag(values: Mapping[str, Any] | None = None, /, **tags: Any) -> None:
    """Set tags of the active run; None removes one."""
    tracker = current().tracker
    if not tracker.replaying:
        tracker.active().tag({**(values or {}), **tags})


def log_figure(figure: Any, name: str) -> None:
    """Keep a figure (Matplotlib, or anything that IPython can show as PNG or SVG) as an artifact."""
    tracker = current().tracker
    if not tracker.replaying:
        tracker.active().log_figure(figure, name)


def log_artifact(path: str | os.PathLike[str], name: str | None = None) -> None:
    """Keep a file as an artifact of the active run, under its own name or ``name``."""
    tracker = current().tracker
    if not tracker.replaying:
        tracker.active().log_file(Path(path), name)


def log_model(
    model: Any,
    name: str,
    *,
    alias: str | None = None,
    description: str = "",
    example: Any = None,
    flavour: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> ModelVersion:
    """Store a model as the next version of ``name``, made by the active run, with the run's metrics.

    Like ``register_model``, which also works outside of a run; here NoActiveRun is raised there.
    """
    from .models import register_model

    tracker = current().tracker
    if not tracker.replaying:
        tracker.active()
    return register_model(
        model,
        name=name,
        alias=alias,
        description=description,
        example=example,
        flavour=flavour,
        tags=tags,
    )


class track:
    """Track a block or a function as a run.

    ``with track("name", experiment="digits") as run: ...`` or ``@track("name")`` above a function,
    also an ``async`` one; then each call is a run of its own. An exception ends the run as failed and
    goes on; KeyboardInterrupt and CancelledError end it as cancelled. The code that is recorded is the
    function's, or for a block that of the script, function or cell around it. A generator is refused with
    InvalidInput: its run would have to go on while the caller's code does.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        experiment: str | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        self._name, self._experiment = name, experiment
        self._params, self._tags = dict(params or {}), dict(tags or {})
        self._source: str | None = None
        self._run: RunWriter | None = None
        self._reads: Reads | None = None
        self._where: Calls | None = None
        self._function = ""

    def __enter__(self) -> RunWriter:
        from ..entities import RunKind
        from ..services.tracking.read_before import before_block
        from ..services.tracking.reads import watch_reads

        if self._run is not None:
            raise RuntimeError("This track(...) is in use already: make a new one for another block.")
        workspace = current()
        self._where = calls_of(sys._getframe(1))
        run = workspace.tracker.start(
            name=self._name or _script_name(),
            experiment=self._experiment,
            kind=RunKind.SCRIPT,
            source=_source_of(sys._getframe(1)) if self._source is None else self._source,
            surroundings=True,
            read_before=before_block(self._where, str(workspace.settings.home), function=self._function),
        )
        run.log_params(self._params)
        run.tag(self._tags)
        self._run = run
        self._reads = watch_reads(run, workspace.settings)
        return run.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        run, self._run = self._run, None
        reads, self._reads = self._reads, None
        if reads is not None:
            reads.stop()
        if self._where is not None:
            loaded.block_ended(self._where)
        if run is not None:
            run.__exit__(kind, error, traceback)

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidInput(
                f"@track cannot track the generator {function.__name__}: track the function or block that "
                "goes through it."
            )

        source = _source_of(function)

        def again() -> track:
            block = track(
                self._name or function.__name__,
                experiment=self._experiment,
                params=self._params,
                tags=self._tags,
            )
            block._source, block._function = source, function.__name__
            return block

        @functools.wraps(function)
        async def tracked_coroutine(*args: Any, **kwargs: Any) -> Any:
            with again():
                return await function(*args, **kwargs)

        @functools.wraps(function)
        def tracked(*args: Any, **kwargs: Any) -> Any:
            with again():
                return function(*args, **kwargs)

        return cast(F, tracked_coroutine if inspect.iscoroutinefunction(function) else tracked)


def _source_of(code: FrameType | Callable[..., Any]) -> str:
    """The function's code, or that of the script or cell whose frame it is; empty where none is to be had."""
    try:
        if isinstance(code, FrameType):
            return _source_of_frame(code)[:MAX_SOURCE]
        return inspect.getsource(code)[:MAX_SOURCE]
    except (OSError, TypeError, SyntaxError):  # typed into an interpreter, or built in
        return ""


def _source_of_frame(frame: FrameType) -> str:
    """Without ``inspect.getsource``, which touches every module there is and so loads the lazy ones."""
    code = frame.f_code
    lines = linecache.getlines(code.co_filename, frame.f_globals)
    if code.co_name != "<module>":
        lines = inspect.getblock(lines[code.co_firstlineno - 1 :])
    return "".join(lines)


def _script_name() -> str:
    return Path(sys.argv[0]).stem if sys.argv and sys.argv[0] else "script"
