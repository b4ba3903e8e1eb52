"""Model cards: made from lineage, edited by people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ...entities import DatasetVersion, Details, Model, ModelVersion, Move, Profile, RunDetail, VersionRef
from ...errors import InvalidInput, MlopsError
from .facts import DatasetFacts, Known, facts
from .layout import blank, with_facts, without_facts

LONGEST = 500_000
"""Characters of a card."""


class CardRuns(Protocol):
    """What cards ask of runs."""

    def detail(self, run_id: str) -> RunDetail: ...


class CardRegistry(Protocol):
    """What cards ask of the registry."""

    def model(self, name: str) -> Model: ...

    def model_version(self, ref: str) -> ModelVersion: ...

    def dataset_version(self, ref: str) -> DatasetVersion: ...

    def details(self, kind: str, name: str, version: int | None = None) -> Details: ...

    def moves(self, name: str, alias: str, *, kind: str = "model") -> list[Move]: ...

    def describe(
        self, kind: str, name: str, version: int | None = None, *, card: str | None = None
    ) -> object: ...


class CardProfiles(Protocol):
    """What cards ask of profiles."""

    def known(self, digest: str) -> Profile | None: ...


class CardService:
    """A card has facts, made anew whenever it is read, and around them what people have written."""

    def __init__(
        self,
        registry: Callable[[], CardRegistry],
        runs: Callable[[], CardRuns],
        profiles: Callable[[], CardProfiles],
    ) -> None:
        self._registry = registry
        self._runs = runs
        self._profiles = profiles

    def card(self, ref: str) -> str:
        """The Markdown of a version's card. Raises NotFound."""
        version = self._registry().model_version(ref)
        return self.card_of(version)

    def card_of(self, version: ModelVersion) -> str:
        said = self._registry().details("model", version.name, version.version)
        title = f"{version.name}@{version.version}"
        return with_facts(blank(title) if said.card is None else said.card, facts(self._known(version, said)))

    def edit(self, ref: str, text: str) -> str:
        """Replace what people have written on a card; an empty text makes it blank again.

        What stands between the comments around the facts is not kept: it is made from the lineage. Raises
        NotFound, Forbidden, InvalidInput.
        """
        if not isinstance(text, str):
            raise InvalidInput(f"A card is Markdown as text, not {text!r}.")
        if len(text) > LONGEST:
            raise InvalidInput(f"A card has at most {LONGEST} characters, this one {len(text)}.")
        version = self._registry().model_version(ref)
        written = without_facts(text) if text.strip() else blank(f"{version.name}@{version.version}")
        self._registry().describe("model", version.name, version.version, card=written)
        return self.card(f"{version.name}@{version.version}")

    def _known(self, version: ModelVersion, said: Details) -> Known:
        registry, notes = self._registry(), list[str]()
        model = registry.model(version.name)
        run = self._run(version, notes)
        refs = {(each.name, each.digest): each for each in version.datasets}
        if run is not None:
            refs.update({(each.name, each.digest): each for each in run.inputs if each.kind == "dataset"})
            read = [each.version for each in run.data if each.version is not None]
            refs.update({(each.name, each.digest): each for each in read})
        return Known(
            version=version,
            said=said,
            model_said=model.details,
            run=run,
            datasets=[self._dataset(each) for each in refs.values()],
            moves=self._moves(model, version),
            notes=notes,
        )

    def _run(self, version: ModelVersion, notes: list[str]) -> RunDetail | None:
        if version.run_id is None:
            return None
        try:
            return self._runs().detail(version.run_id)
        except (MlopsError, OSError) as error:
            notes.append(f"The training run cannot be read from here: {error}")
            return None

    def _dataset(self, ref: VersionRef) -> DatasetFacts:
        """Its shape, by the profile where it has one."""
        found: DatasetVersion | None = None
        profile: Profile | None = None
        try:
            found = self._registry().dataset_version(f"{ref.name}@{ref.version}") if ref.version else None
            profile = self._profiles().known(ref.digest)
        except (MlopsError, OSError):
            pass  # what is not known is left out
        same = found if found is not None and found.digest == ref.digest else None
        rows = None if profile is None else profile.rows
        columns = len(profile.columns) if profile is not None and profile.columns else None
        return DatasetFacts(
            name=ref.name,
            version=ref.version,
            digest=ref.digest,
            rows=rows if rows is not None else (same.rows if same is not None else None),
            columns=columns or (len(same.columns) if same and same.columns else None),
            size_bytes=same.size_bytes if same is not None else None,
        )

    def _moves(self, model: Model, version: ModelVersion) -> Sequence[Move]:
        """The moves from and to this version, the newest first."""
        aliases = dict.fromkeys([*model.aliases, "champion"])  # which may have been taken away
        moves = [move for alias in aliases for move in self._registry().moves(model.name, alias)]
        mine = [move for move in moves if version.version in (move.before, move.after)]
        return sorted(mine, key=lambda move: move.at, reverse=True)
