"""Whether each gate lets a version pass, and by which values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...entities import Approval, Gate, GateKind, GateResult, Role, VersionRef, reference_text
from ...errors import MlopsError
from ..quantities import counted
from .measured import Training, difference
from .seams import Expectations

RANK = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is judged: a version that is to have ``alias``, which ``holder`` has now.

    ``former`` is who had it last where nobody has it now: taking an alias away makes no way around it.
    """

    new: Training
    holder: Training | None
    alias: str
    former: Training | None = None
    approvals: Sequence[Approval] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Judges one gate at a time; what cannot be found out does not pass."""

    role_of: Callable[[str], Role]
    expectations: Callable[[], Expectations]

    def __call__(self, gate: Gate, case: Case) -> GateResult:
        kinds = {
            GateKind.METRIC: _metric,
            GateKind.BETTER: _better,
            GateKind.EXPECTATIONS: self._expectations,
            GateKind.APPROVAL: self._approval,
        }
        return kinds[gate.kind](gate, case)

    def _expectations(self, gate: Gate, case: Case) -> GateResult:
        refs = [ref for ref in case.new.registered if gate.dataset in ("", ref.name)]
        if not refs:
            what = f"a version of dataset {gate.dataset!r}" if gate.dataset else "any registered dataset"
            return _refused(gate, f"{case.new.label} is not known to be made from {what}.")
        expected = [ref for ref in refs if self.expectations().all(ref.name)]
        if not expected:
            names = " and ".join(sorted({repr(ref.name) for ref in refs}))
            hint = f"Declare some: jupyter_mlops.expect({refs[0].name!r}, ...)"
            return _refused(gate, f"There are no expectations of {names} that could hold. {hint}")
        problems = [problem for ref in expected if (problem := self._problem(ref))]
        if problems:
            return _refused(gate, " ".join(problems))
        names = ", ".join(map(reference_text, expected))
        return GateResult(gate=gate, passed=True, message=f"The expectations of {names} hold.")

    def _problem(self, ref: VersionRef) -> str:
        """What is wrong with one content; empty when its expectations hold."""
        name = reference_text(ref)
        try:
            report = self.expectations().report(ref.name, ref.digest)
            report = report or self.expectations().check(name)
        except (MlopsError, OSError) as error:
            return f"The expectations of {name} could not be checked: {error}"
        failed = [result for result in report.results if not result.passed]
        if report.passed:
            return ""
        told = " ".join(f"{result.name}: {result.message}" for result in failed[:3])
        return f"{name} breaks {counted(len(failed), 'expectation')}: {told}"

    def _approval(self, gate: Gate, case: Case) -> GateResult:
        author, needed = case.new.version.created_by, RANK[Role(gate.role)]
        may_reject = min(needed, RANK[Role.APPROVER])
        rejected = [
            each
            for each in case.approvals
            if not each.approved and RANK[self.role_of(each.user)] >= may_reject
        ]
        counting = [
            each.user
            for each in case.approvals
            if each.approved and each.user != author and RANK[self.role_of(each.user)] >= needed
        ]
        values = {"value": float(len(counting)), "reference": float(gate.approvals)}
        if rejected:
            who = " and ".join(f"{each.user}{_why(each)}" for each in rejected)
            return GateResult(gate=gate, passed=False, message=f"It was rejected by {who}.", **values)
        if len(counting) >= gate.approvals:
            by = ", ".join(counting)
            return GateResult(gate=gate, passed=True, message=f"It was approved by {by}.", **values)
        have = f"it has {len(counting)}" + (f" ({', '.join(counting)})" if counting else "")
        message = (
            f"It needs {counted(gate.approvals, 'approval')} by users other than {author}, each with the "
            f"role {gate.role} or more; {have}."
        )
        return GateResult(gate=gate, passed=False, message=message, **values)


def _metric(gate: Gate, case: Case) -> GateResult:
    value = case.new.value(gate.metric)
    if value is None or not math.isfinite(value):
        return _no_metric(gate, case.new, value)
    if gate.minimum is not None and value < gate.minimum:
        return GateResult(
            gate=gate,
            passed=False,
            message=f"{gate.metric} is {value:.6g}, below the minimum of {gate.minimum:g}.",
            value=value,
            reference=gate.minimum,
        )
    if gate.maximum is not None and value > gate.maximum:
        return GateResult(
            gate=gate,
            passed=False,
            message=f"{gate.metric} is {value:.6g}, above the maximum of {gate.maximum:g}.",
            value=value,
            reference=gate.maximum,
        )
    bound = gate.minimum if gate.minimum is not None else gate.maximum
    message = f"{gate.metric} is {value:.6g}, within its bounds."
    return GateResult(gate=gate, passed=True, message=message, value=value, reference=bound)


def _better(gate: Gate, case: Case) -> GateResult:
    value = case.new.value(gate.metric)
    if value is None or not math.isfinite(value):
        return _no_metric(gate, case.new, value)
    holder = case.holder or case.former
    if holder is None:
        message = f"Nothing has the alias {case.alias!r} yet that {gate.metric} could be compared with."
        return GateResult(gate=gate, passed=True, message=message, value=value)
    if holder.version.version == case.new.version.version:
        verb = "had" if case.holder is None else "has"
        message = f"{case.new.label} {verb} the alias {case.alias!r}."
        return GateResult(gate=gate, passed=True, message=message, value=value, reference=value)
    reference = holder.value(gate.metric)
    if reference is None or not math.isfinite(reference):
        return _no_metric(gate, holder, reference, new=value)
    other = difference(holder, case.new, dataset=gate.dataset)
    if other:
        message = f"{gate.metric} cannot be compared, {other.rstrip('.')}."
        return GateResult(gate=gate, passed=False, message=message, value=value, reference=reference)
    return _compared(gate, holder, value, reference)


def _compared(gate: Gate, holder: Training, value: float, reference: float) -> GateResult:
    gain = reference - value if gate.lower_is_better else value - reference
    passed = gain > gate.by
    word = "lower" if gate.lower_is_better else "higher"
    by = f" by more than {gate.by:g}" if gate.by else ""
    verb = "is" if passed else "must be"
    message = (
        f"{gate.metric} is {value:.6g}; it {verb} {word}{by} than the {reference:.6g} of "
        f"{holder.label[:1].lower()}{holder.label[1:]}."
    )
    return GateResult(gate=gate, passed=passed, message=message, value=value, reference=reference)


def _no_metric(gate: Gate, of: Training, value: float | None, *, new: float | None = None) -> GateResult:
    if value is not None:
        said = "NaN" if math.isnan(value) else "infinite"
        message = f"{gate.metric} of {of.label[:1].lower()}{of.label[1:]} is {said}."
        return GateResult(gate=gate, passed=False, message=message, value=new)
    known = ", ".join(sorted(of.values)) or "none"
    trouble = f" {of.trouble}" if of.trouble else ""
    message = f"{of.label} has no metric {gate.metric!r}; it has: {known}.{trouble}"
    return GateResult(gate=gate, passed=False, message=message, value=new)


def _refused(gate: Gate, message: str) -> GateResult:
    return GateResult(gate=gate, passed=False, message=message)


def _why(approval: Approval) -> str:
    return f" ({approval.reason})" if approval.reason else ""
