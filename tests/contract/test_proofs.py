"""Whose models and feature views run in a team's database, where everybody can write any row."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import delete, insert, select, update

import jupyter_mlops as mlops
from jupyter_mlops import workspace as workspaces
from jupyter_mlops.config import Settings
from jupyter_mlops.entities import RunKind, new_id
from jupyter_mlops.errors import Corrupt, Unavailable, Untrusted
from jupyter_mlops.journal import JournalWriter
from jupyter_mlops.journal.records import Close, Register, Start
from jupyter_mlops.ownership import ID_FILE, KEY_FILE, workspace_id, workspace_key
from jupyter_mlops.services.features.definition import defined
from jupyter_mlops.services.registry.trust import GIVEN, IMPORTED, is_vouched_for, proof_of
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.index_tables import registrations
from jupyter_mlops.store.migrations import migrate
from jupyter_mlops.store.registry_tables import model_versions, view_versions
from jupyter_mlops.testing.features import view_version
from jupyter_mlops.testing.registry import model_version
from jupyter_mlops.wire import to_json
from jupyter_mlops.workspace import Workspace
from tests.registries import settings_in

NOT_PROVED = "says that it was (registered|defined) by you in this workspace, and nothing proves it"


@dataclass
class Team:
    """A database and a store of blobs that several homes share."""

    url: str
    folder: Path

    def settings(self, home: str, *, user: str = "ada", **more: Any) -> Settings:
        shared = {"database": self.url, "blobs": f"file://{self.folder}/team-blobs"}
        return replace(
            settings_in(self.folder / home, user=user), profile_when_registered=0, **shared, **more
        )

    def member(self, home: str, *, user: str = "ada", **more: Any) -> Workspace:
        return Workspace(self.settings(home, user=user, **more))

    def impostor(self) -> Workspace:
        """Of a home that says that it is ada's, by her name and by the identity in any row of hers."""
        (self.folder / "eve").mkdir()
        (self.folder / "eve" / ID_FILE).write_text(workspace_id(self.folder / "home"))
        return self.member("eve")

    def change(self, table: Any, **values: Any) -> None:
        database = Database(self.url)
        with database.write() as connection:
            entity = connection.scalar(select(table.c.entity))
            connection.execute(update(table).values(entity={**entity, **values}))
        database.close()

    def proofs(self, table: Any = model_versions) -> list[str | None]:
        database = Database(self.url)
        with database.read() as connection:
            found = list(connection.scalars(select(table.c.proof).order_by(table.c.name, table.c.version)))
        database.close()
        return found

    def set_proofs(self, proof: str | None, table: Any = model_versions) -> None:
        database = Database(self.url)
        with database.write() as connection:
            connection.execute(update(table).values(proof=proof))
        database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Team]:
    if request.param == "sqlite":
        database = Database(sqlite_url(tmp_path / "team.sqlite"))
        migrate(database)
    else:
        database = request.getfixturevalue("emptied")
    yield Team(database.url.render_as_string(hide_password=False), tmp_path)
    workspaces.use(None)


@pytest.fixture
def ada(team: Team) -> Workspace:
    return team.member("home")


class Evil:
    """What makes a folder where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


# ------------------------------------------------------------------ models
def test_model_of_this_home_is_loaded_by_every_process_of_it(team: Team, ada: Workspace) -> None:
    ada.registry.register_model({"w": 1}, name="digits", alias="champion")
    for ref in ("digits", "digits@1", "digits@champion"):
        assert team.member("home").registry.load_model(ref) == {"w": 1}


def test_pickle_under_a_copied_name_and_identity_is_refused(team: Team, ada: Workspace) -> None:
    ada.registry.register_model({"w": 1}, name="digits", alias="champion")
    ran = team.folder / "ran"
    team.impostor().registry.register_model(Evil(ran), name="digits", alias="champion")
    forged, own = ada.registry.model("digits").versions
    assert (forged.created_by, forged.origin) == (own.created_by, own.origin)
    for ref in ("digits", "digits@2", "digits@champion"):
        with pytest.raises(Untrusted, match=rf"digits@2 {NOT_PROVED}.*trust=True"):
            ada.registry.load_model(ref)
        with pytest.raises(Untrusted):
            ada.registry.predict(ref, [[1.0]])
    assert not ran.exists()
    assert ada.registry.load_model("digits@1") == {"w": 1}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("digest", None),
        ("format", "joblib"),
        ("is_folder", True),
        ("created_by", "bob"),
        ("origin", "0" * 32),
    ],
)
def test_row_that_was_changed_is_refused(team: Team, ada: Workspace, field: str, value: Any) -> None:
    ada.registry.register_model({"w": 1}, name="digits", flavour="cloudpickle")
    eve = team.member("eve", user="eve")
    evil = eve.registry.register_model(Evil(team.folder / "ran"), name="evil")
    (proof,) = team.proofs()[:1]
    team.change(model_versions, **{field: evil.digest if value is None else value})
    team.set_proofs(proof)
    with pytest.raises(Untrusted):
        ada.registry.load_model("digits")
    assert not (team.folder / "ran").exists()


@pytest.mark.parametrize("named", ["digits", "decoy"])
def test_proof_of_one_name_is_none_of_another(team: Team, ada: Workspace, named: str) -> None:
    """Else who writes rows could put an old model in the place of another."""
    ada.registry.register_model({"w": 1}, name="digits")
    team.member("eve", user="eve").registry.register_model({"w": 2}, name="decoy")
    version = ada.registry.model_version("digits")
    (proof,) = filter(None, team.proofs()[1:])
    database = Database(team.url)
    with database.write() as connection:
        moved = update(model_versions).where(model_versions.c.name == "decoy")
        connection.execute(moved.values(entity=to_json(replace(version, name=named)), proof=proof))
    database.close()
    with pytest.raises(Untrusted, match="decoy@1"):
        ada.registry.load_model("decoy")


@pytest.mark.parametrize("proof", [None, "", "x" * 44, "\u00e9" * 44])
def test_row_without_a_proof_counts_in_the_homes_own_registry_only(
    team: Team, ada: Workspace, proof: str | None
) -> None:
    ada.registry.register_model({"w": 1}, name="digits")
    team.set_proofs(proof)
    with pytest.raises(Untrusted, match=rf"{NOT_PROVED}.*register it here again"):
        ada.registry.load_model("digits")
    assert ada.registry.load_model("digits", trust=True) == {"w": 1}
    ada.registry.register_model({"w": 1}, name="digits")
    assert ada.registry.load_model("digits") == {"w": 1}


def test_home_whose_key_was_lost_vouches_for_nothing_of_before(team: Team, ada: Workspace) -> None:
    ada.registry.register_model({"w": 1}, name="digits")
    (team.folder / "home" / KEY_FILE).unlink()
    with pytest.raises(Untrusted, match=NOT_PROVED):
        ada.registry.load_model("digits")


def test_trusted_users_are_a_matter_of_names(team: Team, ada: Workspace) -> None:
    """Who may write in whose name is for the team's database to say."""
    team.impostor().registry.register_model({"w": 2}, name="digits")
    trusting = team.member("home", trusted_users=("ada",))
    assert trusting.registry.load_model("digits") == {"w": 2}
    assert team.member("bob", user="bob", trusted_users=("ada",)).registry.load_model("digits") == {"w": 2}


def test_what_was_registered_where_the_registry_was_out_of_reach_is_proved_at_home(
    team: Team, ada: Workspace
) -> None:
    """As a job leaves it that ran without the home: its journal is all that there is."""
    left_by_a_job(ada, {"w": 1})
    ada.ingestor.ingest()
    assert len(ada.registry.model("digits").versions) == 1
    assert ada.registry.load_model("digits") == {"w": 1}


def test_forged_row_of_a_pending_registration_proves_nothing(
    team: Team, ada: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this home applies is what its own journal says."""
    evil = ada.blobs.put(b"evil").digest
    journal = left_by_a_job(ada, {"w": 1})
    with monkeypatch.context() as patch:
        patch.setattr(type(ada.registry), "apply", unreachable)
        ada.ingestor.ingest()
    database = Database(team.url)
    with database.write() as connection:
        rows = connection.execute(select(registrations).where(registrations.c.version.is_(None))).all()
        (row,) = rows
        forged = json.loads(row.record)
        forged["version"]["digest"] = evil
        values = {**row._mapping, "record": json.dumps(forged)}
        connection.execute(delete(registrations))
        for writer, number in ((row.writer, row.n), ("w", 77), ("nobody", 1), (OUTSIDE, row.n)):
            connection.execute(insert(registrations).values({**values, "writer": writer, "n": number}))
    database.close()
    outside = journal.parent / f"{OUTSIDE}.jsonl"
    outside.parent.mkdir()
    shutil.copy(journal, outside)
    team.member("home").ingestor.ingest()
    (version,) = ada.registry.model("digits").versions
    assert version.digest != evil
    assert ada.registry.load_model("digits") == {"w": 1}


def unreachable(*_: Any, **__: Any) -> int:
    raise Unavailable("no route to host")


OUTSIDE = "../../../../eve/w"
"""The name of a writer whose journal would lie in no home."""


def left_by_a_job(ada: Workspace, model: Any) -> Path:
    """The journal of a registration that nobody has applied."""
    elsewhere = Workspace(replace(ada.settings, database=""))
    version = elsewhere.registry.register_model(model, name="digits")
    journal = JournalWriter(ada.settings.home, new_id(1000.0), writer="w")
    for record in (
        Start(name="train", experiment="digits", kind=RunKind.CELL, user="ada"),
        Register(kind="model", version=to_json(replace(version, version=None))),
        Close(),
    ):
        journal.append(record)
    journal.close()
    return journal.key.path(ada.settings.home)


def test_key_and_proof_are_in_nothing_that_leaves_the_home(team: Team, ada: Workspace) -> None:
    workspaces.use(ada)
    with mlops.track("train") as run:
        version = mlops.register_model({"w": 1}, name="digits")
    (proof,) = team.proofs()
    assert proof
    assert "proof" not in to_json(version)
    ada.exports.write(run.id, team.folder / "run")
    ada.model_exports.write("digits", team.folder / "model")
    ada.ingestor.ingest()
    assert ada.sealing is not None
    ada.sealing.seal_now()
    key = workspace_key(ada.settings.home)
    left = [path for path in team.folder.rglob("*") if path.is_file() and path.name != KEY_FILE]
    assert {path.parts[len(team.folder.parts)] for path in left} >= {"run", "model", "team-blobs"}
    for path in left:
        assert key not in path.read_bytes()
        assert key.hex().encode() not in path.read_bytes()


# ------------------------------------------------------------------ feature views
def doubled(rides: pd.DataFrame) -> pd.DataFrame:
    return rides.assign(stars=rides.stars * 2)


RIDES = pd.DataFrame({"driver": [1, 2], "stars": [3, 4]})
DOUBLED = defined(doubled, source="rides", keys="driver")


def test_view_of_this_home_is_computed_by_every_process_of_it(team: Team, ada: Workspace) -> None:
    ada.features.define(DOUBLED)
    again = team.member("home").features
    assert again.function(again.version("doubled"))(RIDES).stars.tolist() == [6, 8]


def test_view_under_a_copied_name_and_identity_is_refused_until_it_is_defined_here(
    team: Team, ada: Workspace
) -> None:
    workspace_id(ada.settings.home)
    team.impostor().features.define(DOUBLED)
    version = ada.features.version("doubled")
    with pytest.raises(Untrusted, match=rf"feature view doubled@1 {NOT_PROVED}.*Computing it runs"):
        ada.features.function(version)
    ada.registry.register_dataset(RIDES, name="rides")
    with pytest.raises(Untrusted):
        ada.features.materialize("doubled")
    assert ada.features.function(version, trust=True)(RIDES).stars.tolist() == [6, 8]
    assert ada.features.define(DOUBLED) == version
    assert ada.features.function(version)(RIDES).stars.tolist() == [6, 8]


def test_definition_of_a_colleague_is_not_proved_by_defining_the_same(team: Team, ada: Workspace) -> None:
    team.member("bob", user="bob").features.define(DOUBLED)
    before = team.proofs(view_versions)
    assert ada.features.define(DOUBLED).created_by == "bob"
    assert team.proofs(view_versions) == before
    with pytest.raises(Untrusted, match="'bob', not by you"):
        ada.features.function(ada.features.version("doubled"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("code", "import os"), ("function", "print"), ("digest", "0" * 64), ("version", None), ("name", "x")],
)
def test_view_whose_row_was_changed_is_not_run(team: Team, ada: Workspace, field: str, value: Any) -> None:
    ada.features.define(DOUBLED)
    team.change(view_versions, **{field: value})
    version = ada.features.version("doubled")
    if field in ("version", "name"):  # where the row lies says both
        assert (version.name, version.version) == ("doubled", 1)
        return
    with pytest.raises((Untrusted, Corrupt)):
        ada.features.function(version)


def test_view_that_has_no_row_is_nobodys_own(ada: Workspace) -> None:
    ada.features.define(DOUBLED)
    with pytest.raises(Untrusted):
        ada.features.function(replace(ada.features.version("doubled"), version=None))


# ------------------------------------------------------------------ proofs
def test_proof_is_of_all_that_decides(tmp_path: Path) -> None:
    model = model_version(origin=workspace_id(tmp_path))
    view = view_version(origin=workspace_id(tmp_path))
    changes: list[Callable[[], str]] = [
        *(lambda each=each: proof_of(replace(model, **each), tmp_path) for each in CHANGES),
        *(lambda each=each: proof_of(replace(view, **each), tmp_path) for each in CHANGES_OF_VIEWS),
        lambda: proof_of(model, tmp_path),
        lambda: proof_of(view, tmp_path),
    ]
    found = [each() for each in changes]
    assert len({*found}) == len(found)
    assert all(found)
    unimportant = replace(model, version=7, description="good", aliases=["champion"], tags={"a": "b"})
    assert proof_of(unimportant, tmp_path) == proof_of(model, tmp_path)


CHANGES: list[dict[str, Any]] = [
    {"name": "other"},
    {"digest": "c" * 64},
    {"created_by": "bob"},
    {"format": "joblib"},
    {"is_folder": True},
    {"name": 'digits", "'},
]
CHANGES_OF_VIEWS: list[dict[str, Any]] = [
    {"name": "other"},
    {"digest": "c" * 64},
    {"created_by": "bob"},
    {"function": "other"},
    {"code": "pass"},
    {"code": "\udcff"},
]


@pytest.mark.parametrize("origin", [IMPORTED, GIVEN, "", "0" * 32])
def test_what_comes_from_elsewhere_gets_no_proof(tmp_path: Path, origin: str) -> None:
    version = model_version(origin=origin)
    assert proof_of(version, tmp_path) == ""
    assert not is_vouched_for(version, "", settings_in(tmp_path))
    assert not is_vouched_for(version, None, settings_in(tmp_path))


def test_row_of_before_there_were_proofs_counts_where_only_its_author_writes(tmp_path: Path) -> None:
    version = model_version(origin=workspace_id(tmp_path))
    own = settings_in(tmp_path)
    assert is_vouched_for(version, None, own)
    assert not is_vouched_for(version, "", own)
    assert not is_vouched_for(version, None, replace(own, database="sqlite:////team.sqlite"))
    assert not is_vouched_for(version, None, replace(own, user="bob"))
