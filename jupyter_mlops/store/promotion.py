"""Gates and approvals in the registry database."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from ..entities import Approval, Gate, Gates
from ..protocols.clock import Clock
from ..wire import from_json, to_json
from . import audit
from .changes import bump
from .database import Database
from .reaching import LazyDatabase
from .registry_rows import MODELS
from .registry_tables import approvals as verdicts
from .registry_tables import gates as gate_rows
from .texts import storable


class SqlPromotionStore:
    """A ``PromotionStore``. Nothing is opened or migrated before the first call."""

    def __init__(self, database: Database | Callable[[], Database], *, clock: Clock = time.time) -> None:
        self._database = LazyDatabase(database)
        self._clock = clock

    def gates(self, model: str) -> list[Gates]:
        query = select(gate_rows.c.entity).where(gate_rows.c.model == model).order_by(gate_rows.c.alias)
        with self._database.read() as connection:
            return [from_json(entity, Gates) for entity in connection.scalars(query)]

    def set_gates(
        self, model: str, alias: str, gates: Sequence[Gate], *, user: str, reason: str = ""
    ) -> Gates:
        declared = Gates(model=model, alias=alias, gates=list(gates))
        at = (gate_rows.c.model == model, gate_rows.c.alias == alias)
        with self._database.write() as connection:
            seq = bump(connection)
            MODELS.named(connection, model)
            entity = connection.scalar(select(gate_rows.c.entity).where(*at))
            before = from_json(entity, Gates).gates if entity is not None else []
            if before == declared.gates:
                return declared
            connection.execute(delete(gate_rows).where(*at))
            if declared.gates:
                values = {"model": model, "alias": alias, "entity": to_json(declared)}
                connection.execute(insert(gate_rows).values(values))
            MODELS.touch(connection, model, seq)
            detail = {"alias": alias, "from": before, "to": declared.gates}
            self._trace(connection, user, "gates.set", f"model:{model}@{alias}", detail, reason)
        return declared

    def approvals(self, model: str, version: int, alias: str) -> list[Approval]:
        query = select(verdicts).where(*_of(model, version, alias)).order_by(verdicts.c.at, verdicts.c.user)
        with self._database.read() as connection:
            return [Approval(**row._mapping) for row in connection.execute(query)]

    def approve(self, approval: Approval) -> Approval:
        approval = replace(approval, reason=storable(approval.reason))
        model, version, alias = approval.model, approval.version, approval.alias
        at = (*_of(model, version, alias), verdicts.c.user == approval.user)
        with self._database.write() as connection:
            seq = bump(connection)
            MODELS.version(connection, model, version)
            row = connection.execute(select(verdicts).where(*at)).first()
            before = Approval(**row._mapping) if row else None
            if before and (before.approved, before.reason) == (approval.approved, approval.reason):
                return before
            connection.execute(delete(verdicts).where(*at))
            connection.execute(insert(verdicts).values(to_json(approval)))
            MODELS.touch(connection, model, seq)
            action = "version.approve" if approval.approved else "version.reject"
            subject = f"model:{model}@{version}"
            self._trace(connection, approval.user, action, subject, {"alias": alias}, approval.reason)
        return approval

    def withdraw(self, model: str, version: int, alias: str, *, user: str, reason: str = "") -> bool:
        at = (*_of(model, version, alias), verdicts.c.user == user)
        with self._database.write() as connection:
            seq = bump(connection)
            approved = connection.scalar(select(verdicts.c.approved).where(*at))
            if approved is None:
                return False
            connection.execute(delete(verdicts).where(*at))
            MODELS.touch(connection, model, seq)
            detail = {"alias": alias, "was": "approved" if approved else "rejected"}
            self._trace(connection, user, "version.withdraw", f"model:{model}@{version}", detail, reason)
        return True

    def _trace(
        self,
        connection: Connection,
        user: str,
        action: str,
        subject: str,
        detail: dict[str, Any],
        reason: str,
    ) -> None:
        why = {"reason": storable(reason)} if reason else {}
        audit.append(
            connection,
            time=self._clock(),
            user=user,
            action=action,
            subject=subject,
            detail={**detail, **why},
        )


def _of(model: str, version: int, alias: str) -> tuple[ColumnElement[bool], ...]:
    return verdicts.c.model == model, verdicts.c.version == version, verdicts.c.alias == alias
