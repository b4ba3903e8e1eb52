"""Roles: who may do what, as an administrator has set it in one file for all who share a registry.

::

    {"default": "contributor",
     "roles": {"ada": "admin", "bob": "approver"},
     "groups": {"ml-leads": "approver"},
     "aliases": {"champion": "approver", "digits@champion": "admin"}}

A user has the role under ``roles``; else the highest of his system groups' under ``groups``; else the
``default``. ``aliases`` says which role it takes to move an alias: of all models and datasets, or of one; the
more exact word holds. Where there is no file at the usual place, everybody may do everything.

A file that was named and is not there, that cannot be read or has a word nobody knows allows nothing but
looking: a slip of the pen must not open what was closed, and a process that starts now does not know what the
file said before.

This keeps people who use the product to what was agreed. It is no wall: a name comes from the environment
where nobody logs in, and whoever may write the registry's SQLite file may write anything into it. The hard
boundary is PostgreSQL with accounts of its own, and a server that only its users reach.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import msgspec

from ..entities import Role
from ..errors import Forbidden, InvalidInput, Unavailable
from .quantities import counted

MOST_BYTES = 1024 * 1024
REFUSED = "access.refuse"
"""The action under which a refusal stands in the audit trail."""

Note = Callable[[str, str, str, str], object]
"""Keeps a refusal: the user, the action, its subject, and why."""

logger = logging.getLogger(__name__)

RANK = MappingProxyType({role: rank for rank, role in enumerate(Role)})

NEEDED = MappingProxyType(
    {
        "read": Role.VIEWER,
        "register": Role.CONTRIBUTOR,
        "describe": Role.CONTRIBUTOR,
        "move": Role.CONTRIBUTOR,
        "submit": Role.CONTRIBUTOR,
        "cancel": Role.CONTRIBUTOR,
        "approve": Role.APPROVER,
        "gate": Role.APPROVER,
        "interfere": Role.ADMIN,
        "delete": Role.ADMIN,
    }
)
"""The least role that each action takes. To ``interfere`` is to end or change what another user has begun."""

WORDS = MappingProxyType(
    {
        "read": "to look at {subject}",
        "register": "to register {subject}",
        "describe": "to change what is said of {subject}",
        "move": "to move {subject}",
        "submit": "to submit {subject}",
        "cancel": "to cancel {subject}",
        "approve": "to approve or reject {subject}",
        "gate": "to change the gates of {subject}",
        "interfere": "to change {subject}, which is another user's,",
        "delete": "to delete {subject}",
    }
)


class AccessFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file's contents."""

    default: Role = Role.CONTRIBUTOR
    roles: dict[str, Role] = {}
    groups: dict[str, Role] = {}
    aliases: dict[str, Role] = {}

    def role_of(self, user: str) -> Role:
        """What the file says of somebody."""
        if user in self.roles:
            return self.roles[user]
        theirs = [self.groups[name] for name in groups_of(user) if name in self.groups] if self.groups else []
        return max(theirs, key=RANK.__getitem__, default=self.default)

    def to_move(self, subject: str) -> Role:
        """What it takes to move the alias ``<kind>:<name>@<alias>``."""
        _, _, place = subject.partition(":")
        alias = place.rpartition("@")[2]
        named = next((self.aliases[key] for key in (subject, place, alias) if key in self.aliases), None)
        return NEEDED["move"] if named is None else max(named, NEEDED["move"], key=RANK.__getitem__)


class AccessService:
    """The roles of the file at ``path``, read again when it has changed. See ``registry.deciding.Access``.

    One that is ``needed`` has to be there. ``note`` is told of refusals, but for those of moves: who refuses
    a move has more to say of it.
    """

    def __init__(self, path: Path, *, needed: bool = False, note: Note | None = None) -> None:
        self._path = path
        self._note = note
        self._is_needed = needed
        self._state: tuple[int, ...] | None = None
        self._read: AccessFile | InvalidInput | None = None

    def role_of(self, user: str) -> Role:
        """The role of a user; viewer for everybody while the file cannot be used."""
        found = self._file()
        if isinstance(found, InvalidInput):
            return Role.VIEWER
        return Role.ADMIN if found is None else found.role_of(user)

    def require(self, user: str, action: str, subject: str) -> None:
        """Raises Forbidden unless the user's role allows it; see ``registry.deciding.Access``."""
        what, found = WORDS[action].format(subject=_in_words(subject)), self._file()
        if found is None or action == "read":
            return
        if refusal := self._refusal(found, user, action, subject, what):
            self._keep(user, action, subject, refusal)
            raise Forbidden(refusal)

    def check(self) -> str:
        """What is set, in words. Raises InvalidInput for a file that cannot be used."""
        found = self._file()
        if isinstance(found, InvalidInput):
            raise found
        if found is None:
            return "everybody may do everything: there is no file of roles"
        named = len(found.roles) + len(found.groups)
        others = counted(named, "user or group", "users and groups")
        return f"users are {found.default.value}s, {others} named apart"

    def _refusal(
        self, found: AccessFile | InvalidInput, user: str, action: str, subject: str, what: str
    ) -> str:
        if isinstance(found, InvalidInput):
            return f"Nobody is allowed {what} until it is clear who may. {found.message}"
        needed = found.to_move(subject) if action == "move" else NEEDED[action]
        role = found.role_of(user)
        if RANK[role] >= RANK[needed]:
            return ""
        return (
            f"{user} has the role {role.value}, and {what} takes the role {needed.value}. "
            f"Roles are set in {self._path}."
        )

    def _keep(self, user: str, action: str, subject: str, refusal: str) -> None:
        if self._note is None or action == "move":
            return
        try:
            self._note(user, action, subject, refusal)
        except Unavailable as error:  # it is refused all the same
            logger.warning("A refusal is not in the audit trail: %s", error)

    def _file(self) -> AccessFile | InvalidInput | None:
        state = _state_of(self._path)
        if state is None or state != self._state:
            try:
                self._read = read_access(self._path, needed=self._is_needed)
            except InvalidInput as error:
                self._read = error
            self._state = state
        return self._read


def read_access(path: Path, *, needed: bool = False) -> AccessFile | None:
    """What is set; None where there is no file and none is ``needed``. Raises InvalidInput."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not needed:
            return None
        raise InvalidInput(f"The roles in {path} cannot be read: {error.strerror}.") from error
    with open(fd, "rb") as file:
        if os.fstat(fd).st_mode & stat.S_IWOTH:
            raise InvalidInput(f"The roles in {path} could be changed by anybody: chmod o-w {path}")
        try:
            return msgspec.json.decode(file.read(MOST_BYTES), type=AccessFile)
        except (ValueError, OSError) as error:
            raise InvalidInput(f"The roles in {path} cannot be used: {error}.") from error


def groups_of(user: str) -> list[str]:
    """The system's groups of a user; none of one who has no account here."""
    try:
        import grp
        import pwd

        account = pwd.getpwnam(user)
    except (ImportError, KeyError):  # Windows has no such groups
        return []
    found = []
    for each in os.getgrouplist(user, account.pw_gid):
        try:
            found.append(grp.getgrgid(each).gr_name)
        except KeyError:  # a group without a name
            continue
    return found


def _state_of(path: Path) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _in_words(subject: str) -> str:
    """``model:digits@champion`` as people say it."""
    kind, _, key = subject.partition(":")
    name, at, rest = key.rpartition("@")
    if kind in ("model", "dataset") and at and not rest.isdecimal():
        return f"the alias {rest!r} of {kind} {name!r}"
    return f"{kind} {key}".strip() or "that"
