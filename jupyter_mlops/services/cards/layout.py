"""How a card is made of facts and of what people write.

The facts stand between two comments and are made anew whenever the card is read; all around them is people's
own text, which is kept as it is. A text without the comments has the facts at its end.
"""

from __future__ import annotations

import re

BEGIN = "<!-- facts: made from the lineage whenever the card is read; write above or below -->"
END = "<!-- end of the facts -->"

_BLOCK = re.compile(r"<!-- facts:[^\n]*?-->.*?<!-- end of the facts -->", re.DOTALL)

TO_FILL_IN = """\
## Intended use

*To be written: what the model is for, by whom it is meant to be used, and what it must not be used for.*

## Limitations

*To be written: where it is known to be wrong, and on which data it has not been tried.*
"""


def blank(title: str) -> str:
    """A card that nobody has edited, without its facts."""
    return f"# {title}\n\n{BEGIN}\n{END}\n\n{TO_FILL_IN}"


def with_facts(text: str, facts: str) -> str:
    """The card with the facts in their place."""
    block = f"{BEGIN}\n\n{facts.strip()}\n\n{END}"
    if _BLOCK.search(text) is None:
        return f"{text.rstrip()}\n\n{block}\n"
    first, *rest = _BLOCK.split(text, maxsplit=1)
    return f"{first}{block}{_BLOCK.sub('', ''.join(rest))}"


def without_facts(text: str) -> str:
    """What people wrote: the place of the facts stays, their text goes."""
    return _BLOCK.sub(f"{BEGIN}\n{END}", text.replace("\r\n", "\n"))
