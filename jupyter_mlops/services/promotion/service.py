"""Gates of aliases, what they say of a version, approvals and reviews."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial

from ...config import Settings
from ...entities import Approval, Dataset, DatasetVersion, Gate, Gates, Model, ModelVersion, Move, Review
from ...errors import Forbidden, InvalidInput, NotFound
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.promotion import PromotionStore
from ...protocols.registry import ANYWHERE
from ..access import REFUSED
from ..registry.aliases import check_kind
from ..registry.deciding import Access, Verdict
from ..registry.names import (
    CHAMPION,
    LATEST,
    alias_reference,
    checked_alias,
    checked_name,
    misspelt,
    version_reference,
)
from .declaring import checked
from .judging import Case, Judge
from .known import refuse_unknown_metrics
from .measured import Training
from .reviewing import Reviewer
from .seams import Diffs, Expectations, ModelRows, Models, Runs

Version = int | str | None
"""A version's number or one of its aliases; None where the name says it already: ``"digits@2"``."""


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
    def gates(self, model: str, alias: str | None = None) -> list[Gates]:
        """Those of all aliases of a model that have some, or of one. Raises NotFound, InvalidInput."""
        if alias is None and (not isinstance(model, str) or "@" not in model):
            self._models.model(name := checked_name(model))
            return self._store.gates(name)
        name, alias = alias_reference(model, alias)
        self._refuse_misspelt("model", name, alias)
        return [each for each in self._store.gates(name) if each.alias == alias]

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

    def declare_gates(
        self,
        model: str,
        alias: str | None,
        gates: Iterable[Gate],
        *,
        new_metrics: Collection[str] = (),
        new: bool = False,
        reason: str = "",
    ) -> Gates:
        """As :meth:`set_gates`, where nothing is misspelt: an alias, metrics and datasets that there are.

        An alias that is nearly the same as another is taken when it is ``new``, and a metric that no version
        has when it is one of the ``new_metrics``. Raises NotFound, InvalidInput, Forbidden.
        """
        name, alias = alias_reference(model, alias)
        declared = checked(gates)
        if not self._replaying():
            if not new:
                self._refuse_misspelt("model", name, alias)
            for dataset in dict.fromkeys(gate.dataset for gate in declared if gate.dataset):
                self._registry().dataset(dataset)
            there = {gate.metric for each in self._store.gates(name) for gate in each.gates}
            unsaid = [gate.metric for gate in declared if gate.metric and gate.metric not in there]
            trainings = (Training(each, self._runs) for each in self._models.model(name).versions)
            refuse_unknown_metrics(name, [each for each in unsaid if each not in new_metrics], trainings)
        return self.set_gates(name, alias, declared, reason=reason)

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
    def version(self, model: str, version: Version = None) -> ModelVersion:
        """The version that is meant. Raises NotFound, InvalidInput."""
        ref = version_reference(model, version)
        return self._models.model_version(ref.name, ref.selector)

    def approvals(self, model: str, version: Version = None, alias: str = CHAMPION) -> list[Approval]:
        """What users said of a version becoming an alias's, the oldest first. Raises NotFound."""
        found = self.version(model, version)
        return self._store.approvals(found.name, _number(found), alias)

    def approve(
        self,
        model: str,
        version: Version = None,
        alias: str = CHAMPION,
        *,
        approved: bool | None = True,
        reason: str = "",
    ) -> Approval | None:
        """Say that a version may become an alias's, with False that it may not, with None nothing any more.

        It is of this one version, whose content never changes. Raises NotFound, and Forbidden when the user's
        role does not allow it, or who registered a version would approve it.
        """
        alias, found = checked_alias(alias), self.version(model, version)
        name, number, user = found.name, _number(found), self._user
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

    def review(self, model: str, version: Version = None, alias: str = CHAMPION) -> Review:
        """What would change if ``alias`` moved to ``version``, and whether it may. Raises NotFound.

        What cannot be compared is in its notes.
        """
        alias, found = checked_alias(alias), self.version(model, version)
        case = self._case(found, alias)
        return self._reviewer.review(case, self._verdict(self._gates_of(found.name, alias), case, None))

    # ------------------------------------------------------------ aliases
    def promote(
        self,
        kind: str,
        name: str,
        alias: str = CHAMPION,
        version: Version = None,
        *,
        new: bool = False,
        reason: str = "",
    ) -> Model | Dataset:
        """Point an alias at a version, as ``AliasService.move`` says.

        An alias that is nearly the same as another of its model or dataset, as if misspelt, is made only when
        it is ``new``: else InvalidInput is raised.
        """
        check_kind(kind)
        ref, alias = version_reference(name, version), checked_alias(alias)
        registry = self._registry()
        if not (new or self._replaying()):
            self._refuse_misspelt(kind, ref.name, alias)
        number = ref.selector
        if not isinstance(number, int):
            look_up = registry.model_version if kind == "model" else registry.dataset_version
            number = _number(look_up(f"{ref.name}@{number or LATEST}"))
        return registry.set_alias(ref.name, alias, number, reason=reason, kind=kind)

    def take_away(
        self, kind: str, name: str, alias: str | None = None, *, reason: str = ""
    ) -> Model | Dataset:
        """Remove an alias, as ``AliasService.move`` says; the version stays."""
        name, alias = alias_reference(name, alias)
        return self._registry().delete_alias(name, alias, reason=reason, kind=kind)

    def rollback(self, kind: str, name: str, alias: str | None = None, reason: str = "") -> Move:
        """Point an alias at the version that it had before, as ``AliasService.rollback`` says."""
        name, alias = alias_reference(name, alias)
        return self._registry().rollback(name, alias, reason=reason, kind=kind)

    def _refuse_misspelt(self, kind: str, name: str, alias: str) -> None:
        registry = self._registry()
        if kind == "model":
            known = {
                *registry.model(name).aliases,
                *(each.alias for each in self._store.gates(name)),
                CHAMPION,
            }
        else:
            known = {*registry.dataset(name).aliases}
        if (meant := misspelt(alias, known)) is not None:
            raise InvalidInput(
                f"{kind.capitalize()} {name!r} has no alias {alias!r}. Did you mean {meant!r}? A new alias "
                "with such a name is made with new=True (--new on the command line)."
            )

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


def _number(version: ModelVersion | DatasetVersion) -> int:
    if version.version is None:
        raise InvalidInput(f"Nothing can be decided yet of a version of {version.name!r} that is pending.")
    return version.version
