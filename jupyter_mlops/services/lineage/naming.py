"""From what people write to a node."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from ...errors import Ambiguous, InvalidInput, NotFound
from ...protocols.lineage import RegistryLinks, RunLinks
from ..registry.names import parse_reference
from .labels import LabelledJobs, LabelledRuns
from .nodes import KINDS, VERSIONS, alias_parts, alias_text, version_node

HOW = (
    "give train@2, digits@champion, the end of a run's or a job's id or a notebook's path, or 'run:<id>', "
    "'job:<id>', 'dataset:name@2', 'view:name@1', 'model:name@1', 'alias:name@champion', 'notebook:<path>'"
)
SHORTEST_END = 4


class Namer:
    """Finds the node that a text means."""

    def __init__(
        self, runs: LabelledRuns, jobs: LabelledJobs, registry: RegistryLinks, links: RunLinks
    ) -> None:
        self._runs = runs
        self._jobs = jobs
        self._registry = registry
        self._links = links
        self._by_kind: dict[str, Callable[[str], str]] = {
            "run": lambda key: f"run:{runs.get(key).id}",
            "job": lambda key: f"job:{jobs.get(key).id}",
            **{kind: self._version_of(kind) for kind in VERSIONS},
            "alias": self._alias,
            "notebook": self._notebook,
        }

    def node(self, text: str) -> str:
        """The node's id, whole. Raises NotFound, Ambiguous, InvalidInput."""
        kind, colon, key = text.partition(":")
        if colon and kind in KINDS:
            return self._by_kind[kind](key)
        if not text.strip():
            raise InvalidInput(f"{text!r} is no node: {HOW}.")
        found = self._anything(text)
        if not found:
            raise NotFound(f"Nothing here is called {text!r}: {HOW}.")
        if len(found) > 1:
            raise Ambiguous(f"{text!r} may be any of {', '.join(found)}: write which.")
        return found[0]

    def _anything(self, text: str) -> list[str]:
        """All that a text without its kind may mean."""
        kinds = [*VERSIONS, "notebook"]
        if len(text) >= SHORTEST_END and text.isalnum():
            kinds += ["run", "job"]
        found = []
        for kind in kinds:
            with suppress(NotFound, InvalidInput):
                found.append(self._by_kind[kind](text))
        return found

    def _version_of(self, kind: str) -> Callable[[str], str]:
        def find(key: str) -> str:
            reference = parse_reference(key)
            return version_node(self._registry.find(kind, reference.name, reference.selector))

        return find

    def _alias(self, key: str) -> str:
        kind, name, alias = alias_parts(key)
        if not name:
            raise InvalidInput(f"{key!r} is no alias: write 'alias:digits@champion'.")
        self._registry.find(kind, name, alias)
        return f"alias:{alias_text(kind, name, alias)}"

    def _notebook(self, key: str) -> str:
        for path in dict.fromkeys((key, os.path.abspath(os.path.expanduser(key)))):
            if self._links.of_notebooks([path]) or self._registry.jobs_of_notebooks([path]):
                return f"notebook:{path}"
        raise NotFound(f"No run or job of a notebook {key!r} is known here.")
