"""Whose pickles and feature views are run: loading one runs what its author put in it.

A row of a registry can say anything: in a team's database everybody can write a colleague's name into it. So
what this user registers gets a proof that only this home can make, with a key that never leaves it.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hmac import compare_digest
from pathlib import Path

from blake3 import blake3

from ...config import TRUSTED_USERS, Settings
from ...entities import FeatureViewVersion, ModelVersion
from ...errors import Untrusted
from ...ownership import workspace_id, workspace_key

IMPORTED = "imported"
"""The origin of versions that came with an imported run: what it says of their author proves nothing."""
GIVEN = "file"
"""The origin of versions that were registered by a path: who registers a file need not have made it."""
PURPOSE = "jupyter-mlops: registered in this workspace, 1"
"""What the key says of a version; its number changes with the facts that it is said of."""

Executed = ModelVersion | FeatureViewVersion
"""What runs code of its author's when it is loaded or computed."""


def proof_of(version: Executed, home: Path) -> str:
    """That ``version`` was registered in this home: a keyed BLAKE3 of what decides about what will run.

    Empty where it says itself that it comes from elsewhere. A version's number is not known yet when it is
    registered: the content and the name are what is proved. Raises Unavailable without the home's key.
    """
    if version.origin != workspace_id(home):
        return ""
    said = json.dumps([PURPOSE, *_facts(version)], ensure_ascii=True).encode("ascii")
    # no hexadecimal digits: upkeep takes 64 of them in any row for the digest of a content
    return urlsafe_b64encode(blake3(said, key=workspace_key(home)).digest()).decode("ascii")


def _facts(version: Executed) -> tuple[object, ...]:
    whose = (version.name, version.digest, version.created_by, version.origin)
    if isinstance(version, FeatureViewVersion):
        return ("view", *whose, version.function, version.code)
    return ("model", *whose, version.format, version.is_folder)


def is_vouched_for(version: Executed, proof: str | None, settings: Settings) -> bool:
    """Whether this user registered the version in this workspace, or its author is trusted.

    ``proof`` is what its row has: None in rows of a version of this package that made none. Those count where
    only this user can have written them, in the home's own registry.
    """
    if version.origin in (IMPORTED, GIVEN):
        return False
    if version.created_by in settings.trusted_users:
        return True
    if version.created_by != settings.user or version.origin != workspace_id(settings.home):
        return False
    if proof is None:
        return not settings.database
    return compare_digest(proof.encode("utf-8", "replace"), proof_of(version, settings.home).encode())


def untrusted(version: Executed, settings: Settings, why: str = "") -> Untrusted:
    """What is raised for a version that nobody vouches for, which would run its author's code."""
    reference = f"{version.name}@{version.version}"
    if isinstance(version, FeatureViewVersion):
        what, done = f"The feature view {reference}", "defined"
        runs = (
            "Computing it runs code that its author chose: read it with "
            f"jupyter_mlops.feature_view({reference!r}).code."
        )
        allow = "add trust=True"
    else:
        what, done = f"Model {reference}", "registered"
        runs = f"{why or _runs(version.format)} Loading it runs code that its author chose."
        allow = f"load_model({reference!r}, trust=True)"
    if version.origin == GIVEN:
        return Untrusted(
            f"{what} was {done} as a file or folder, whose author may be anybody. {runs} If you trust where "
            f"it is from: {allow}."
        )
    if version.created_by == settings.user and version.origin == workspace_id(settings.home):
        return Untrusted(
            f"{what} says that it was {done} by you in this workspace, and nothing proves it: that was "
            f"before there were proofs, or before a restore, or somebody else uses your name. {runs} If it "
            f"is yours, register it here again. If you trust it: {allow}."
        )
    place = "in another workspace" if version.created_by == settings.user else "not by you"
    return Untrusted(
        f"{what} was {done} by {version.created_by!r}, {place}. {runs} If you trust it: {allow}, or name "
        f"{version.created_by!r} in {TRUSTED_USERS} (trusted_users of the settings)."
    )


def _runs(flavour: str) -> str:
    return "It is a pickle." if flavour in ("cloudpickle", "joblib") else f"Its flavour is {flavour}."


def require_trust_in_result(job: str, user: str, settings: Settings, *, here: bool) -> None:
    """Raises Untrusted unless this user submitted ``job``, or whoever did is trusted.

    ``here`` says that its files are this home's own: of another job any row may have the user's name.
    """
    if user in settings.trusted_users or (here and user == settings.user):
        return
    place = "from another home" if user == settings.user else "not by you"
    raise Untrusted(
        f"Job {job} was submitted by {user!r}, {place}. Its result is a pickle, and loading it runs code "
        f"that its author chose. If you trust it, name {user!r} in {TRUSTED_USERS}."
    )


def require_trust_in_carried(what: str, users: Iterable[str], settings: Settings) -> None:
    """Raises Untrusted unless a job of this user's, or of one who is trusted, carries ``what``.

    ``users`` are those who submitted a job that does; they are asked for until one is found.
    """
    others: dict[str, None] = {}
    for user in users:
        if user == settings.user or user in settings.trusted_users:
            return
        others[user] = None
    names = ", ".join(map(repr, others))
    whose = f"it goes with a job of {names}, not of yours" if others else "no job here carries it"
    trusted = f", or name {names} in {TRUSTED_USERS}" if others else ""
    raise Untrusted(
        f"{what} is a pickle, and {whose}. Loading it runs code that its author chose. "
        f"If you trust it, add trust=True to carried(...){trusted}."
    )
