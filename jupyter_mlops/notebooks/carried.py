"""What goes along with a job and what comes back from it, as its notebook sees that."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from keyword import iskeyword

from ..entities import Carried
from ..errors import InvalidInput
from .names import names_of
from .source import parse_cell

ROLE = "carry"
HEADING = "# Objects as they were in the kernel that submitted this job."


def carrying_cell(items: Sequence[Carried]) -> str:
    """Source that sets each name again; objects that share parts are loaded at once."""
    lines = [HEADING, "import jupyter_mlops"]
    done: set[str] = set()
    for each in items:
        if each.name not in done:
            names = each.together or [each.name]
            done.update(names)
            arguments = ", ".join(f'"{word}"' for word in (each.digest, each.format, *names))
            lines.append(f"{', '.join(names)} = jupyter_mlops.carried({arguments})")
    return "\n".join(lines)


def check_returns(names: Sequence[str], sources: Sequence[str], carried: Sequence[str] = ()) -> None:
    """Raise InvalidInput for a name in ``names`` that no code of the job can ever set.

    A name that stands in the sources may be set in some way; a star import, or a magic that runs other code,
    may set any.
    """
    for name in names:
        if not name.isidentifier() or iskeyword(name):
            raise InvalidInput(f"--return takes names of variables, not {name!r}. Assign it: part = {name}")
    cells = [names_of(parse_cell(source)) for source in sources]
    if any(each.opaque for each in cells):
        return
    known = {*carried}.union(*(each.bound for each in cells))
    for name in names:
        if name not in known and not any(re.search(rf"\b{re.escape(name)}\b", each) for each in sources):
            near = difflib.get_close_matches(name, known, n=1)
            hint = (
                f"Did you mean {near[0]!r}?" if near else f"It sets: {', '.join(sorted(known)) or 'nothing'}."
            )
            raise InvalidInput(f"--return {name}: no cell of the job sets {name!r}. {hint}")
