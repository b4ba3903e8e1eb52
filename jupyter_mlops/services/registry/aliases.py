"""Moving aliases: the one door, for the API, the command line, REST, and what journals ask for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ...config import Settings
from ...entities import DatasetVersion, ModelVersion, Move
from ...errors import Conflict, Forbidden, GatesRefused, InvalidInput, NotFound
from ...protocols.registry import ANYWHERE, Place, RegistryStore
from .deciding import Access, Gatekeeper, Verdict
from .names import CHAMPION, checked_alias, checked_name, misspelt
from .trust import proof_of

logger = logging.getLogger(__name__)

ATTEMPTS = 8
"""How often the gates are asked anew because something was decided about the model meanwhile."""

KINDS = ("model", "dataset")
"""What has aliases."""


_UNASKED = Verdict(holder=ANYWHERE)


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
        self._home = settings.home
        self._access = access
        self._gatekeeper = gatekeeper
        self._replaying = replaying

    def move(self, kind: str, name: str, alias: str, to: int | None, *, reason: str = "") -> bool:
        """Point ``alias`` at version ``to``, or with None take it away; False when nothing changes.

        An alias that has gates is taken away by who may change them. Raises NotFound, InvalidInput,
        Forbidden, GatesRefused, and Conflict when somebody moved it meanwhile.
        """
        check_kind(kind)
        name = checked_name(name)
        alias = checked_alias(alias) if to is not None else alias
        if self._replaying():
            return False
        self._require("move", kind, name, alias, to)
        for attempt in range(ATTEMPTS):
            verdict = self._passed(name, alias, to) if kind == "model" else _UNASKED
            try:
                return self._store.move_alias(
                    kind,
                    name,
                    alias,
                    to,
                    user=self._user,
                    reason=reason,
                    expected=verdict.holder,
                    seq=verdict.seq,
                )
            except Conflict as error:
                if attempt < ATTEMPTS - 1 and self._is_at(kind, name, alias, verdict.holder):
                    continue  # what was decided is not where it points: the gates may see it otherwise now
                self._refuse(kind, name, alias, to, verdict.holder, [error.message])
                again = "" if kind != "model" or to is None else f" See: {_review(name, to, alias)}"
                raise Conflict(f"{error.message}{again}") from error
        raise AssertionError("the last attempt returns or raises")

    def rollback(self, kind: str, name: str, alias: str, *, reason: str = "") -> Move:
        """Point an alias at the version that it had before the present one.

        The trail of its moves is a stack: rolling back again goes further back. No gate is asked, so that it
        works in an incident; the user's role is. Raises NotFound, Forbidden, and Conflict when there is
        nothing to go back to, or somebody moved the alias meanwhile.
        """
        check_kind(kind)
        name = checked_name(name)
        moves = self._store.moves(kind, name, alias)
        if self._replaying() and moves:
            return moves[0]
        stack = moved_through(moves)
        present = stack[-1] if stack else self._present(kind, name, alias)
        before = next((each for each in reversed(stack) if each not in (None, present)), None)
        if before is None:
            raise Conflict(
                f"The alias {alias!r} of {kind} {name!r} cannot be rolled back: {_place(present)} is the "
                f"first that it had. Move it: {_setting(kind, name, alias)}"
            )
        self._require("move", kind, name, alias, before)
        self._store.move_alias(
            kind, name, alias, before, user=self._user, reason=reason, expected=present, rollback=True
        )
        mine = (move for move in self._store.moves(kind, name, alias) if move.rollback)
        return next(move for move in mine if (move.before, move.after) == (present, before))

    def register(
        self, version: ModelVersion, *, alias: str | None = None, key: str | None = None
    ) -> ModelVersion:
        """Number a version of a model, and point ``alias`` at it where that is allowed.

        The two are one transaction. A version that may not have the alias is registered all the same, without
        it; the refusal is in the audit trail and in the log. A ``key`` that was applied before moves nothing.
        One that comes from this home gets its proof, by which loading it is allowed.
        """
        proof = proof_of(version, self._home)
        if alias is None or self._is_applied(key):
            return self._store.register_model(version, key=key, proof=proof)
        self._note_misspelt(version.name, alias)
        why: list[str] = []
        for _ in range(ATTEMPTS):
            verdict, why = self._judge_new(version, alias)
            if why:
                break
            try:
                return self._store.register_model(
                    version,
                    alias=alias,
                    expected=verdict.holder,
                    seq=verdict.seq,
                    key=key,
                    proof=proof,
                )
            except Conflict as error:
                why = [error.message]
        was_applied = self._is_applied(key)  # by who took the run in meanwhile, as gates have it
        registered = self._store.register_model(version, key=key, proof=proof)
        if was_applied:
            return registered
        self._refuse("model", version.name, alias, registered.version, verdict.holder, why)
        logger.warning(
            "Model %s@%s is registered, and the alias %r stays where it is: %s See: %s",
            version.name,
            registered.version,
            alias,
            " ".join(why),
            _review(version.name, registered.version, alias),
        )
        return registered

    def register_dataset(
        self, version: DatasetVersion, *, alias: str | None = None, key: str | None = None
    ) -> DatasetVersion:
        """Number a dataset's version, and give it ``alias`` where that is allowed: see :meth:`register`."""
        if alias is None or self._is_applied(key):
            return self._store.register_dataset(version, key=key)
        try:
            self._access.require(self._user, "move", f"dataset:{version.name}@{alias}")
        except Forbidden as error:
            registered = self._store.register_dataset(version, key=key)
            self._refuse("dataset", version.name, alias, registered.version, ANYWHERE, [error.message])
            logger.warning(
                "Dataset %s@%s is registered, and the alias %r stays where it is: %s",
                version.name,
                registered.version,
                alias,
                error.message,
            )
            return registered
        return self._store.register_dataset(version, alias=alias, key=key)

    def moves(self, kind: str, name: str, alias: str) -> list[Move]:
        """Where an alias has been, the newest move first."""
        return self._store.moves(kind, checked_name(name), alias)

    def _require(self, action: str, kind: str, name: str, alias: str, to: int | None) -> None:
        try:
            self._access.require(self._user, action, f"{kind}:{name}@{alias}")
        except Forbidden as error:
            self._refuse(kind, name, alias, to, ANYWHERE, [error.message])
            raise

    def _is_at(self, kind: str, name: str, alias: str, place: Place) -> bool:
        named = self._store.model(name) if kind == "model" else self._store.dataset(name)
        return place == ANYWHERE or named.aliases.get(alias) == place

    def _passed(self, name: str, alias: str, version: int | None) -> Verdict:
        """What the gates of a model's alias say, if it lets it move. Raises Forbidden, GatesRefused."""
        gatekeeper = self._gatekeeper()
        if gatekeeper is None:
            return _UNASKED
        if version is None:
            return self._taken_away(gatekeeper, name, alias)
        verdict = gatekeeper.judge(name, alias, version)
        if verdict.allowed:
            return verdict
        failed = _failed(verdict)
        self._refuse("model", name, alias, version, verdict.holder, failed)
        raise GatesRefused(
            f"The alias {alias!r} of model {name!r} may not move to version {version}: {' '.join(failed)} "
            f"See: {_review(name, version, alias)}"
        )

    def _taken_away(self, gatekeeper: Gatekeeper, name: str, alias: str) -> Verdict:
        """Without this, who may move an alias could take it away and then set it as if it were new."""
        seq = self._store.model(name).seq
        if gatekeeper.guards(name, alias):
            try:
                self._access.require(self._user, "gate", f"model:{name}@{alias}")
            except Forbidden as error:
                why = (
                    f"The alias {alias!r} of model {name!r} has gates, so it is taken away by who may change "
                    f"them. {error.message}"
                )
                self._refuse("model", name, alias, None, ANYWHERE, [why])
                raise Forbidden(why) from error
        return Verdict(holder=ANYWHERE, seq=seq)

    def _note_misspelt(self, model: str, alias: str) -> None:
        """A version is registered also under an alias that looks misspelt: nothing is lost by it."""
        try:
            there = self._store.model(model).aliases
        except NotFound:
            there = {}
        if (meant := misspelt(alias, {*there, CHAMPION})) is not None:
            logger.warning(
                "Model %s gets a new alias, %r. If %r was meant: jupyter_mlops.delete_alias(%r, %r)",
                *(model, alias, meant, model, alias),
            )

    def _is_applied(self, key: str | None) -> bool:
        return key is not None and self._store.applied(key) is not None

    def _judge_new(self, version: ModelVersion, alias: str) -> tuple[Verdict, list[str]]:
        """What the gates say of a version that has no number yet, and why it may not have the alias."""
        try:
            self._access.require(self._user, "move", f"model:{version.name}@{alias}")
        except Forbidden as error:
            return _UNASKED, [error.message]
        gatekeeper = self._gatekeeper()
        if gatekeeper is None:
            return _UNASKED, []
        verdict = gatekeeper.judge_new(version, alias)
        return verdict, _failed(verdict)

    def _refuse(
        self, kind: str, name: str, alias: str, to: int | None, holder: Place, why: Sequence[str]
    ) -> None:
        """Leave a refusal in the audit trail."""
        seen = {} if holder == ANYWHERE else {"from": holder}
        detail = {"alias": alias, **seen, "to": to, "why": list(why)}
        self._store.record("alias.refuse", f"{kind}:{name}@{alias}", user=self._user, detail=detail)

    def _present(self, kind: str, name: str, alias: str) -> int:
        """Where an alias points that no move tells of. Raises NotFound."""
        named = self._store.model(name) if kind == "model" else self._store.dataset(name)
        if alias not in named.aliases:
            there = ", ".join(named.aliases) or "none"
            raise NotFound(f"No alias {alias!r} of {kind} {name!r}. Its aliases: {there}.")
        return named.aliases[alias]


def moved_through(moves: Sequence[Move]) -> list[int | None]:
    """The versions that an alias has had and can go back to, the present one last; ``moves`` newest first.

    A rollback takes from the end what it undid.
    """
    stack: list[int | None] = []
    for move in reversed(moves):
        if move.rollback and move.after in stack:
            while stack[-1] != move.after:
                stack.pop()
        else:
            stack.append(move.after)
    return stack


def check_kind(kind: str) -> None:
    """Raises InvalidInput for what has no aliases."""
    if kind not in KINDS:
        raise InvalidInput(f"A {kind!r} has no aliases: {' and '.join(KINDS)} have. Say kind='dataset'.")


def _failed(verdict: Verdict) -> list[str]:
    return [result.message for result in verdict.results if not result.passed]


def _place(version: int | None) -> str:
    return "no version" if version is None else f"version {version}"


def _review(name: str, version: int | None, alias: str) -> str:
    return f"jupyter_mlops.review({name!r}, {version}, alias={alias!r})"


def _setting(kind: str, name: str, alias: str) -> str:
    of_kind = "" if kind == "model" else f", kind={kind!r}"
    return f"jupyter_mlops.set_alias({name!r}, {alias!r}, VERSION{of_kind})"
