"""Moving aliases: the one door, for the API, the command line, REST, and what journals ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ...config import Settings
from ...entities import Move
from ...errors import Forbidden, GatesRefused
from ...protocols.registry import ANYWHERE, RegistryStore
from .deciding import Access, Gatekeeper
from .names import checked_alias, checked_name


class AliasService:
    """Moves aliases of datasets and models, where the user's role and the gates allow it.

    Each move and each refusal is in the audit trail. While cells are replayed aliases stay where they are.
    """

    def __init__(
        self,
        store: RegistryStore,
        settings: Settings,
        *,
        access: Access,
        gatekeeper: Callable[[], Gatekeeper | None],
        replaying: Callable[[], bool],
    ) -> None:
        self._store = store
        self._user = settings.user
        self._access = access
        self._gatekeeper = gatekeeper
        self._replaying = replaying

    def move(self, kind: str, name: str, alias: str, to: int | None, *, reason: str = "") -> bool:
        """Point ``alias`` at version ``to``, or with None take it away; False when nothing changes.

        Raises NotFound, InvalidInput, Forbidden, GatesRefused, and Conflict when somebody moved it meanwhile.
        """
        name = checked_name(name)
        alias = checked_alias(alias) if to is not None else alias
        if self._replaying():
            return False
        self._require(kind, name, alias)
        expected = self._passed(name, alias, to) if kind == "model" and to is not None else ANYWHERE
        return self._store.move_alias(
            kind, name, alias, to, user=self._user, reason=reason, expected=expected
        )

    def moves(self, kind: str, name: str, alias: str) -> list[Move]:
        """Where an alias has been, the newest move first."""
        return self._store.moves(kind, checked_name(name), alias)

    def _require(self, kind: str, name: str, alias: str) -> None:
        subject = f"{kind}:{name}@{alias}"
        try:
            self._access.require(self._user, "move", subject)
        except Forbidden as error:
            self._store.record("alias.refuse", subject, user=self._user, detail={"why": error.message})
            raise

    def _passed(self, name: str, alias: str, version: int) -> int | Literal["anywhere"] | None:
        """Where the alias has to be for the gates' verdict to hold. Raises GatesRefused."""
        gatekeeper = self._gatekeeper()
        if gatekeeper is None:
            return ANYWHERE
        verdict = gatekeeper.judge(name, alias, version)
        if verdict.allowed:
            return verdict.holder
        failed = [result.message for result in verdict.results if not result.passed]
        detail = {"alias": alias, "from": verdict.holder, "to": version, "why": failed}
        self._store.record("alias.refuse", f"model:{name}@{alias}", user=self._user, detail=detail)
        raise GatesRefused(
            f"The alias {alias!r} of model {name!r} may not move to version {version}: {' '.join(failed)} "
            f"See: jupyter_mlops.review({name!r}, {version}, alias={alias!r})"
        )
