"""What an administrator has set for all who share this machine.

Everyone's agents decide alike whose turn it is, so that what they decide by lies in one file for all of
them, and not in anybody's environment::

    {"half_life_h": 24, "gpus": 4, "gpu_hours": 200, "days": 7, "priority": 10,
     "users": {"ada": {"gpus": 8, "gpu_hours": null}}}

``gpus`` is how many GPUs a user may hold at once, ``gpu_hours`` how many GPU-hours within ``days``,
``priority`` the highest priority; what is left out, or null, is not limited. ``half_life_h`` is after how
long a GPU-hour counts half when turns are taken.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import msgspec

from ..errors import InvalidInput, MlopsError
from ..protocols.jobs import Standing
from .ticket_files import State, state_of

MOST_BYTES = 1024 * 1024
MOST_DAYS = 31

logger = logging.getLogger(__name__)


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one user may have; what is not set is as for everybody."""

    gpus: float | msgspec.UnsetType | None = msgspec.UNSET
    gpu_hours: float | msgspec.UnsetType | None = msgspec.UNSET
    priority: int | msgspec.UnsetType | None = msgspec.UNSET


class Quotas(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file's contents."""

    half_life_h: float = 24.0
    gpus: float | None = None
    gpu_hours: float | None = None
    days: int = 7
    priority: int | None = None
    users: dict[str, Quota] = {}

    def of(self, user: str, *, recent_gpu_h: float = 0.0, used_gpu_h: float = 0.0) -> Standing:
        """The standing of somebody who has used that."""
        own = self.users.get(user, Quota())
        return Standing(
            recent_gpu_h=recent_gpu_h,
            used_gpu_h=used_gpu_h,
            max_gpus=self.gpus if isinstance(own.gpus, msgspec.UnsetType) else own.gpus,
            max_gpu_h=self.gpu_hours if isinstance(own.gpu_hours, msgspec.UnsetType) else own.gpu_hours,
            window_h=self.days * 24.0,
            max_priority=self.priority if isinstance(own.priority, msgspec.UnsetType) else own.priority,
        )


def read_quotas(path: Path) -> Quotas:
    """What is set; no limits where there is no file. Raises InvalidInput for one that cannot be used."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return Quotas()
    except OSError as error:
        raise InvalidInput(
            f"The quotas of this machine, {path}, cannot be read: {error.strerror}."
        ) from error
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        if found.st_uid not in (0, os.getuid()) or found.st_mode & stat.S_IWOTH:
            raise InvalidInput(
                f"The quotas of this machine, {path}, could be changed by others: "
                "the file must belong to root and be writable by its owner only."
            )
        try:
            quotas = msgspec.json.decode(file.read(MOST_BYTES), type=Quotas)
        except (ValueError, OSError) as error:
            raise InvalidInput(f"The quotas of this machine, {path}, cannot be used: {error}.") from error
    if quotas.half_life_h <= 0 or not 0 < quotas.days <= MOST_DAYS:
        raise InvalidInput(
            f"The quotas of this machine, {path}, want half_life_h above 0 and days from 1 to {MOST_DAYS}."
        )
    return quotas


def in_words(quotas: Quotas) -> str:
    """What everybody may have, and how many have quotas of their own."""
    limits = [
        "any number of GPUs at once" if quotas.gpus is None else f"{quotas.gpus:g} GPUs at once",
        "" if quotas.gpu_hours is None else f"{quotas.gpu_hours:g} GPU-hours in {quotas.days} days",
        "" if quotas.priority is None else f"priorities up to {quotas.priority}",
    ]
    others = "1 user has" if len(quotas.users) == 1 else f"{len(quotas.users)} users have"
    own = f"; {others} other limits" if quotas.users else ""
    return f"each user may have {', '.join(filter(None, limits))}{own}"


class QuotasFile:
    """Reads the file again when it has changed; one that is damaged is told of, and changes nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: State | None = (0, 0, 0)
        self._last = Quotas()

    def read(self) -> Quotas:
        """Raises InvalidInput for a file that cannot be used."""
        return read_quotas(self._path)

    def last(self) -> Quotas:
        """The last ones that could be used."""
        state = state_of(self._path)
        if state != self._state:
            self._state = state
            try:
                self._last = read_quotas(self._path)
            except MlopsError as error:
                logger.error("%s", error.message)
        return self._last
