"""The doctor's look at the folder through which jobs reach clusters that do not see this file system."""

from __future__ import annotations

import time
from uuid import uuid4

from ..config import STAGING, Settings
from ..entities import Check
from ..remote.claims import creates_once
from ..remote.folder import RemoteFolder

NAME = "staging"


def check_staging(settings: Settings) -> Check:
    """Write there, read it back, and see who else can. Raises what a folder raises that cannot be used."""
    if not settings.staging:
        return Check(name=NAME, ok=True, message=f"not set: clusters must see this home ({STAGING})")
    folder = RemoteFolder(settings.staging).child(f"doctor-{uuid4().hex}")
    content = uuid4().hex.encode()
    began = time.monotonic()
    try:
        folder.put("probe", content)
        read = folder.get("probe")
        took = time.monotonic() - began
        public = folder.anyone_reads("probe")
        once = creates_once(folder, "once")
    finally:
        folder.delete_all()
    if read != content:
        return _bad(settings, "what was written there reads back as something else", "use another store")
    if public:
        return _bad(settings, "anybody can read what lies there", "take public access away from it")
    how = (
        "one worker an attempt by conditional writes" if once else "one worker an attempt by the oldest claim"
    )
    message = f"{settings.staging}: written and read in {took * 1000:.0f} ms; {how}"
    return Check(name=NAME, ok=True, message=message)


def _bad(settings: Settings, problem: str, fix: str) -> Check:
    return Check(name=NAME, ok=False, message=f"{settings.staging}: {problem}", fix=fix)
