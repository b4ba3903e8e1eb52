"""Gates of aliases, what they say of a version, approvals and reviews."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from ...config import Settings
from ...entities import Approval, Gate, Gates, ModelVersion, Move, Review
from ...errors import Forbidden, InvalidInput, NotFound
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.promotion import PromotionStore
from ...protocols.registry import ANYWHERE
from ..access import REFUSED
from ..registry.deciding import Access, Verdict
from ..registry.names import checked_alias, checked_name
from .declaring import checked
from .judging import Case, Judge
from .measured import Training
from .reviewing import Reviewer
from .seams import Diffs, Expectations, ModelRows, Models, Runs

CHAMPION = "champion"


class PromotionService:
    """Who may have an alias, and why. It satisfies ``registry.deciding.Gatekeeper``.

    Every part is asked for when it is needed: most moves have no gates. While cells are replayed nobody
    decides anything: gates and verdicts stay as they are.
    """

    def __init__(
        self,
        store: PromotionStore,
        models: ModelRows,
        blobs: BlobStore,
        settings: Settings,
        *,
        registry: Callable[[], Models],
        runs: Callable[[], Runs],
        expectations: Callable[[], Expectations],
        diffs: Callable[[], Diffs],
        access: Access,
        replaying: Callable[[], bool] = lambda: False,
        clock: Clock = time.time,
    ) -> None:
        self._store = store
        self._models = models
        self._blobs = blobs
        self._settings = settings
        self._user = settings.user
        self._registry = registry
        self._runs = runs
        self._access = access
        self._replaying = replaying
        self._clock = clock
        self._judge = Judge(role_of=access.role_of, expectations=expectations)
        self._reviewer = Reviewer(runs=runs, diffs=diffs, blobs=blobs)
        self._as_another = partial(
            PromotionService,
            store,
            models,
            blobs,
            runs=runs,
            expectations=expectations,
            diffs=diffs,
            access=access,
            replaying=replaying,
            clock=clock,
        )

    def acting_as(self, user: str) -> PromotionService:
        """The same in the name of another user: of who sent a request to the server."""
        if user == self._user:
            return self
        settings = replace(self._settings, user=user)
        return self._as_another(settings, registry=lambda: self._registry().acting_as(user))

    # ------------------------------------------------------------ gates
    def gates(self, model: str) -> list[Gates]:
        """Those of all aliases of a model that have some. Raises NotFound."""
        name = checked_name(model)
        self._models.model(name)
        return self._store.gates(name)

    def set_gates(self, model: str, alias: str, gates: Iterable[Gate], *, reason: str = "") -> Gates:
        """Replace the gates of an alias; with none of them it moves freely.

        Raises NotFound, InvalidInput, Forbidden.
        """
        name, alias = checked_name(model), checked_alias(alias)
        declared = checked(gates)
        if self._replaying():
            return Gates(model=name, alias=alias, gates=self._gates_of(name, alias))
        self._access.require(self._user, "gate", f"model:{name}@{alias}")
        return self._store.set_gates(name, alias, declared, user=self._user, reason=reason)

    def guards(self, model: str, alias: str) -> bool:
        """Whether ``alias`` of ``model`` has gates."""
        return bool(self._gates_of(model, alias))

    def judge(self, model: str, alias: str, version: int) -> Verdict:
        """What the alias's gates say of a version. Raises NotFound."""
        seq = self._models.model(model).seq  # before what it stands for is read
        gates = self._gates_of(model, alias)
        if not gates:
            return Verdict(holder=ANYWHERE, seq=seq)
        case = self._case(self._models.model_version(model, version), alias)
        return self._verdict(gates, case, seq)

    def judge_new(self, version: ModelVersion, alias: str) -> Verdict:
        """What they say of a version that is about to be registered: nobody can have approved it yet."""
        try:
            seq = self._models.model(version.name).seq
        except NotFound:
            return Verdict(holder=ANYWHERE, seq=0)
        gates = self._gates_of(version.name, alias)
        if not gates:
            return Verdict(holder=ANYWHERE, seq=seq)
        return self._verdict(gates, self._case(version, alias), seq)

    # ------------------------------------------------------------ people
    def approvals(self, model: str, version: int, alias: str = CHAMPION) -> list[Approval]:
        """What users said of a version becoming an alias's, the oldest first. Raises NotFound."""
        found = self._models.model_version(checked_name(model), int(version))
        return self._store.approvals(found.name, _number(found), alias)

    def approve(
        self,
        model: str,
        version: int,
        alias: str = CHAMPION,
        *,
        approved: bool | None = True,
        reason: str = "",
    ) -> Approval | None:
        """Say that a version may become an alias's, with False that it may not, with None nothing any more.

        It is of this one version, whose content never changes. Raises NotFound, and Forbidden when the user's
        role does not allow it, or who registered a version would approve it.
        """
        name, alias = checked_name(model), checked_alias(alias)
        found = self._models.model_version(name, int(version))
        number, user = _number(found), self._user
        if self._replaying():
            said = self._store.approvals(name, number, alias)
            return next((each for each in said if each.user == user), None)
        self._access.require(user, "approve", f"model:{name}@{alias}")
        if approved is None:
            self._store.withdraw(name, number, alias, user=user, reason=reason)
            return None
        if approved and found.created_by == user:
            why = f"{user} registered {name}@{number}, so another user has to approve it."
            detail = {"action": "approve", "alias": alias, "why": why}
            self._models.record(REFUSED, f"model:{name}@{number}", user=user, detail=detail)
            raise Forbidden(
                f"{why} See what would change: jupyter_mlops.review({name!r}, {number}, alias={alias!r})"
            )
        return self._store.approve(
            Approval(
                model=name,
                version=number,
                alias=alias,
                user=user,
                approved=approved,
                at=self._clock(),
                reason=reason,
            )
        )

    def review(self, model: str, version: int, alias: str = CHAMPION) -> Review:
        """What would change if ``alias`` moved to ``version``, and whether it may. Raises NotFound.

        What cannot be compared is in its notes.
        """
        name, alias = checked_name(model), checked_alias(alias)
        case = self._case(self._models.model_version(name, int(version)), alias)
        return self._reviewer.review(case, self._verdict(self._gates_of(name, alias), case, None))

    def rollback(self, kind: str, name: str, alias: str = CHAMPION, reason: str = "") -> Move:
        """Point an alias at the version that it had before, as ``AliasService.rollback`` says."""
        return self._registry().rollback(name, alias, reason=reason, kind=kind)

    # ------------------------------------------------------------ within
    def _gates_of(self, model: str, alias: str) -> list[Gate]:
        return next((each.gates for each in self._store.gates(model) if each.alias == alias), [])

    def _case(self, version: ModelVersion, alias: str) -> Case:
        model = self._models.model(version.name)
        number = model.aliases.get(alias)
        former = None if number is not None else self._former(version.name, alias)
        held, last = (
            next((Training(each, self._runs) for each in model.versions if each.version == wanted), None)
            for wanted in (number, former)
        )
        said = []
        if version.version is not None:
            said = self._store.approvals(version.name, version.version, alias)
        new = Training(version, self._runs)
        return Case(new=new, holder=held, former=last, alias=alias, approvals=said)

    def _former(self, model: str, alias: str) -> int | None:
        """The version that had an alias last which nobody has now."""
        moves = self._models.moves("model", model, alias)
        return next((each.before for each in moves if each.before is not None), None)

    def _verdict(self, gates: list[Gate], case: Case, seq: int | None) -> Verdict:
        holder = None if case.holder is None else case.holder.version.version
        return Verdict(holder=holder, seq=seq, results=[self._judge(gate, case) for gate in gates])


def _number(version: ModelVersion) -> int:
    if version.version is None:
        raise InvalidInput(f"A version of model {version.name!r} that is pending cannot be approved yet.")
    return version.version
