"""What every handler shares: access to the workspace off the event loop, reading requests, errors.

Every verb of every handler stands under ``@web.authenticated`` and ``@authorized``; a test enumerates
them. The core is synchronous and may wait for disks and databases, so a handler never calls it on the
loop: ``answer`` runs the call and the encoding of its result in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from jupyter_server.base.handlers import APIHandler

from .. import wire
from ..errors import InvalidInput, MlopsError
from .identity import named_user
from .problems import problem_of

if TYPE_CHECKING:
    from ..services.registry.service import RegistryService
    from ..workspace import Workspace

AUTH_RESOURCE = "jupyter_mlops"
WORKSPACE = "jupyter_mlops_workspace"
"""The web application's setting that holds the workspace."""
WATCHER = "jupyter_mlops_watcher"

T = TypeVar("T")


class MlopsHandler(APIHandler):
    """A handler of the REST interface; errors of the core become ``{code, message}`` with their status."""

    auth_resource = AUTH_RESOURCE

    def initialize(self) -> None:
        """Called by Tornado before the verb."""
        # the sidebar reads with every progress of a job: that must not keep an idle server from being culled
        self._track_activity = self.request.method != "GET"

    @property
    def root(self) -> Path:
        """The folder below which clients name files."""
        return Path(self.contents_manager.root_dir)

    @property
    def user(self) -> str:
        """The name of who sent the request."""
        workspace: Workspace = self.settings[WORKSPACE]
        return named_user(self.identity_provider, self.current_user) or workspace.settings.user

    def registry(self, workspace: Workspace) -> RegistryService:
        """The registry in the name of who sent the request."""
        return workspace.registry.acting_as(self.user)

    async def work(self, task: Callable[[Workspace], T]) -> T:
        """What ``task`` makes of the workspace, in a thread, in the name of who sent the request."""
        return await asyncio.to_thread(task, self._workspace())

    def _workspace(self) -> Workspace:
        workspace: Workspace = self.settings[WORKSPACE]
        name = named_user(self.identity_provider, self.current_user)
        return workspace if name is None else workspace.acting_as(name)

    async def answer(self, task: Callable[[Workspace], Any], *, status: int = 200) -> None:
        """Finish with the JSON of what ``task`` makes of the workspace."""
        body = await self.work(lambda workspace: wire.encode(task(workspace)))
        self.set_status(status)
        await self.finish(body)

    async def change(self, task: Callable[[Workspace], Any], *, status: int = 200) -> None:
        """As ``answer``, for what changes something: listeners hear of it at once."""
        await self.answer(task, status=status)
        if watcher := self.settings.get(WATCHER):
            watcher.wake()

    def text(self, name: str, default: str = "") -> str:
        """A query argument."""
        return self.get_query_argument(name, default)

    def needed(self, name: str) -> str:
        """A query argument that has to be there."""
        if value := self.text(name):
            return value
        raise InvalidInput(f"The query argument {name!r} is missing: add ?{name}=... to the address.")

    def several(self, name: str, *, most: int) -> list[str]:
        """A query argument that is given once or more."""
        values = [value for value in self.get_query_arguments(name) if value]
        if not values:
            raise InvalidInput(f"The query argument {name!r} is missing: add ?{name}=... to the address.")
        if len(values) > most:
            raise InvalidInput(f"At most {most} of {name!r} can be asked for at once, not {len(values)}.")
        return values

    def number(self, name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
        """A whole number from the query; more than ``most`` is taken as ``most``."""
        text = self.text(name)
        if not text:
            return default
        try:
            value = int(text)
        except ValueError:
            raise InvalidInput(f"{name} must be a whole number, not {text!r}.") from None
        if value < least:
            raise InvalidInput(f"{name} must be at least {least}, not {value}.")
        return value if most is None else min(value, most)

    def flag(self, name: str) -> bool:
        """A query argument that is 0 or 1."""
        text = self.text(name, "0").lower()
        if text not in {"0", "1", "true", "false"}:
            raise InvalidInput(f"{name} must be 0 or 1, not {text!r}.")
        return text in {"1", "true"}

    def body_as(self, kind: type[T]) -> T:
        """The request's JSON body as a dataclass; unknown fields are refused by name."""
        expected = [each.name for each in fields(kind)]  # type: ignore[arg-type]
        value = self._json_object(expected)
        if unknown := sorted(set(value) - set(expected)):
            raise InvalidInput(
                f"The body has an unknown field {unknown[0]!r}. Fields: {', '.join(expected)}."
            )
        return wire.from_json(value, kind)

    def _json_object(self, expected: Iterable[str]) -> dict[str, Any]:
        try:
            value = msgspec.json.decode(self.request.body or b"null")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(f"The body is not valid JSON: {error}.") from error
        if not isinstance(value, dict):
            raise InvalidInput(f"The body must be a JSON object with fields of: {', '.join(expected)}.")
        return value

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The one form of all errors."""
        _, error, _ = kwargs.get("exc_info") or (None, None, None)
        problem = problem_of(error, status_code)
        self.set_status(problem.status)
        self.finish(wire.encode(problem.body))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """A refusal is no failure of the server: it is logged in one line, without its traceback."""
        if isinstance(value, MlopsError) and problem_of(value).status < 500:
            self.log.debug("%s %s: %s", self.request.method, self.request.path, value.message)
        else:
            super().log_exception(typ, value, tb)
