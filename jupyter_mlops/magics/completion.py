"""Tab completion of what may stand behind the magics."""

from __future__ import annotations

import re
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher

_LINE = re.compile(r"\s*%%?(?P<magic>\w+)\s(?P<rest>.*)$")

# fmt: off
_WORDS: dict[str, list[str]] = {
    "track": [
        "--experiment", "--param", "--metric", "--tag", "--log-model", "--no-auto", "-e", "-p", "-m", "-t",
    ],
    "submit": [
        "--name", "--on", "--gpus", "--gpu-memory", "--cpus", "--memory", "--time", "--priority", "--retries",
        "--retry-on", "--retry-delay", "--after", "--after-any", "--cron", "--timezone", "--catch-up",
        "--overlap", "--param", "--carry", "--return", "--include", "--exclude", "--trials", "--goal",
        "--sampler", "--pruner", "--seed", "--parallel", "--whole", "--write-parameters", "--dry-run",
        "--wait", "-p",
    ],
    "mlops": [
        "runs", "jobs", "sweeps", "schedules", "usage", "gpus", "datasets", "models", "register", "edit",
        "profile", "diff", "check", "expect", "features", "materialize", "lineage", "impact", "audit",
        "review", "promote", "rollback", "approve", "reject", "gates", "card", "show", "compare", "logs",
        "cancel", "replay", "reproduce", "help",
    ],
}
# fmt: on


@context_matcher()  # type: ignore[untyped-decorator]
def complete(context: Any) -> dict[str, Any]:
    """An IPython matcher (its version 2 protocol)."""
    match = _LINE.match(context.line_with_cursor[: context.cursor_position])
    words = _words(match["magic"], match["rest"].split(maxsplit=1)) if match else []
    token = re.split(r"\s", match["rest"])[-1] if match else ""
    fitting = [word for word in words if word.startswith(token) and (token or word[0] != "-")]
    found = [SimpleCompletion(text=word, type="option") for word in fitting]
    return {"completions": found, "matched_fragment": token, "suppress": bool(found and token)}


def _words(magic: str, rest: list[str]) -> list[str]:
    """Behind a command of ``%mlops`` that has a grammar, its flags."""
    if magic == "mlops" and rest:
        from .command_line import PARSED, flags_of

        if rest[0] in PARSED:
            return [*_WORDS["mlops"], *flags_of(rest[0])]
    return _WORDS.get(magic, [])


complete.matcher_identifier = "jupyter_mlops"
