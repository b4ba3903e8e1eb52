"""Roles from a file: who has which, what each allows, and what happens when the file cannot be used."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.config import ACCESS, DEFAULT_ACCESS, HUB_USER, USER, load_settings
from jupyter_mlops.entities import Role
from jupyter_mlops.errors import Forbidden, InvalidInput, NotFound, Unavailable
from jupyter_mlops.journal.records import Register
from jupyter_mlops.services.access import NEEDED, WORDS, AccessService, groups_of
from jupyter_mlops.services.registry.deciding import Access
from jupyter_mlops.testing.registry import model_version
from jupyter_mlops.wire import to_json
from jupyter_mlops.workspace import Workspace

from ..registries import RUN, settings_in

ROLES = {"roles": {"vera": "viewer", "bob": "approver", "root": "admin"}}


class World:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[tuple[str, str, str, str]] = []
        self.access = AccessService(path, note=lambda *note: self.notes.append(note))

    def write(self, content: dict[str, Any] | str) -> None:
        self.path.write_text(content if isinstance(content, str) else json.dumps(content))

    def may(self, user: str, action: str, subject: str = "model:digits") -> bool:
        try:
            self.access.require(user, action, subject)
        except Forbidden:
            return False
        return True


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "access.json")


def _proof(access: AccessService) -> Access:
    return access


def test_without_a_file_everybody_may_do_everything(world: World) -> None:
    assert all(world.may("anybody", action) for action in NEEDED)
    assert world.access.role_of("anybody") is Role.ADMIN
    assert world.access.check() == "everybody may do everything: there is no file of roles"


@pytest.mark.parametrize(
    ("user", "allowed"),
    [
        ("vera", {"read"}),
        ("ada", {"read", "register", "describe", "move", "submit", "cancel"}),
        ("bob", {"read", "register", "describe", "move", "submit", "cancel", "approve", "gate"}),
        ("root", set(NEEDED)),
    ],
)
def test_each_role_may_what_those_before_it_may(world: World, user: str, allowed: set[str]) -> None:
    world.write(ROLES)
    assert {action for action in NEEDED if world.may(user, action)} == allowed
    assert set(WORDS) == set(NEEDED)


def test_the_default_is_for_who_is_not_named(world: World) -> None:
    world.write({"default": "viewer", "roles": {"ada": "contributor"}})
    assert [world.access.role_of(each) for each in ("ada", "eve")] == [Role.CONTRIBUTOR, Role.VIEWER]
    assert world.access.check() == "users are viewers, 1 user or group named apart"


@pytest.mark.parametrize(
    ("subject", "needed"),
    [
        ("model:digits@champion", Role.ADMIN),
        ("model:other@champion", Role.APPROVER),
        ("dataset:train@champion", Role.APPROVER),
        ("dataset:train@gold", Role.ADMIN),
        ("model:train@gold", Role.CONTRIBUTOR),
        ("model:digits@staging", Role.CONTRIBUTOR),
        ("model:digits@open", Role.CONTRIBUTOR),
    ],
)
def test_the_more_exact_word_says_who_may_move_an_alias(world: World, subject: str, needed: Role) -> None:
    users = {"vera": Role.VIEWER, "ada": Role.CONTRIBUTOR, "bob": Role.APPROVER, "root": Role.ADMIN}
    aliases = {
        "champion": "approver",
        "digits@champion": "admin",
        "dataset:train@gold": "admin",
        "open": "viewer",  # no less than every move takes
    }
    world.write({"roles": {user: role.value for user, role in users.items()}, "aliases": aliases})
    order = [*Role]
    for user, role in users.items():
        assert world.may(user, "move", subject) is (order.index(role) >= order.index(needed)), user


def test_a_groups_role_is_for_its_members_who_are_not_named(world: World) -> None:
    me = getpass.getuser()
    groups = groups_of(me)
    if not groups:
        pytest.skip("the user has no group with a name here")
    world.write({"default": "viewer", "groups": {groups[0]: "approver", "no such group": "admin"}})
    assert world.access.role_of(me) is Role.APPROVER
    assert world.access.role_of("nobody has this name") is Role.VIEWER
    world.write({"default": "viewer", "groups": {groups[0]: "approver"}, "roles": {me: "contributor"}})
    assert world.access.role_of(me) is Role.CONTRIBUTOR


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"rolls": {"ada": "admin"}}', "rolls"),
        ('{"roles": {"ada": "boss"}}', "boss"),
        ('{"roles": ', "cannot be used"),
        ("[]", "cannot be used"),
    ],
)
def test_a_file_that_cannot_be_used_allows_nothing_but_looking(world: World, content: str, said: str) -> None:
    world.write(content)
    with pytest.raises(Forbidden, match=said) as refused:
        world.access.require("root", "register", "model:digits")
    assert str(world.path) in refused.value.message
    assert world.may("root", "read")
    assert world.access.role_of("root") is Role.VIEWER
    with pytest.raises(InvalidInput, match=said):
        world.access.check()


def test_a_file_that_anybody_could_change_is_not_used(world: World) -> None:
    world.write(ROLES)
    world.path.chmod(0o646)
    with pytest.raises(Forbidden, match="chmod o-w"):
        world.access.require("root", "register", "model:digits")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_allows_nothing(world: World) -> None:
    world.write(ROLES)
    world.path.chmod(0)
    assert not world.may("root", "register")


def test_a_file_that_was_named_has_to_be_there(world: World) -> None:
    needed = AccessService(world.path, needed=True)
    with pytest.raises(Forbidden, match="No such file"):
        needed.require("root", "register", "model:digits")
    world.write(ROLES)
    needed.require("root", "register", "model:digits")
    world.path.unlink()
    with pytest.raises(Forbidden):
        needed.require("root", "register", "model:digits")


def test_a_file_that_has_changed_is_read_again(world: World) -> None:
    world.write(ROLES)
    assert not world.may("vera", "register")
    world.write({"roles": {"vera": "contributor"}})
    assert world.may("vera", "register")


def test_refusals_are_told_but_for_those_of_moves(world: World) -> None:
    world.write(ROLES)
    assert not world.may("vera", "submit", "job:train")
    assert not world.may("vera", "move", "model:digits@champion")
    ((user, action, subject, why),) = world.notes
    assert (user, action, subject) == ("vera", "submit", "job:train")
    assert why == (
        "vera has the role viewer, and to submit job train takes the role contributor. "
        f"Roles are set in {world.path}."
    )


def test_what_is_refused_is_refused_also_where_no_trail_can_be_written(world: World) -> None:
    def away(*note: str) -> None:
        raise Unavailable("the registry is away")

    world.write(ROLES)
    access = AccessService(world.path, note=away)
    with pytest.raises(Forbidden):
        access.require("vera", "submit", "job:train")


@pytest.mark.parametrize(
    ("environ", "user"),
    [
        ({USER: "ada", HUB_USER: "hub"}, "ada"),
        ({HUB_USER: "hub"}, "hub"),
        ({}, getpass.getuser()),
    ],
)
def test_the_user_is_who_the_settings_name_else_whom_the_hub_does(environ: dict[str, str], user: str) -> None:
    assert load_settings(environ=environ).user == user


def test_the_file_of_roles_goes_along_to_other_processes(tmp_path: Path) -> None:
    settings = load_settings(environ={ACCESS: str(tmp_path / "a.json")})
    assert load_settings(environ=settings.environment()).access == str(tmp_path / "a.json")
    assert load_settings(environ={}).access == DEFAULT_ACCESS


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    path = tmp_path / "access.json"
    path.write_text(json.dumps({**ROLES, "aliases": {"champion": "approver"}}))
    settings = settings_in(tmp_path)
    object.__setattr__(settings, "access", str(path))
    return Workspace(settings)


def test_one_workspace_is_used_in_the_name_of_many(workspace: Workspace) -> None:
    bob = workspace.acting_as("bob")
    assert (bob.settings.user, bob.whole, workspace.whole) == ("bob", workspace, workspace)
    assert bob is workspace.acting_as("bob")
    assert bob.acting_as("ada") is workspace
    assert bob._registry_database is workspace._registry_database
    assert bob.index is workspace.index
    assert bob.registry is not workspace.registry


def test_what_a_viewer_may_not_is_refused_in_the_services(workspace: Workspace) -> None:
    vera = workspace.acting_as("vera")
    for change in (
        lambda: vera.registry.register_dataset("/etc/hostname", name="x"),
        lambda: vera.registry.register_model({}, name="x"),
        lambda: vera.registry.describe("model", "x", owner="vera"),
        lambda: vera.jobs.may_submit("job:x"),
    ):
        with pytest.raises(Forbidden, match="vera has the role viewer"):
            change()
    with pytest.raises(NotFound):
        vera.registry.model("x")
    refused = workspace.audit_trail.entries(action="access.refuse")
    assert [each.detail["action"] for each in refused] == ["submit", "describe", "register", "register"]
    assert {each.user for each in refused} == {"vera"}


def test_a_recorded_registration_is_its_users_to_make_and_stays_made(workspace: Workspace) -> None:
    record = Register(kind="model", version=to_json(model_version()))
    with pytest.raises(Forbidden, match="vera has the role viewer"):
        workspace.registry.apply(f"{RUN}/w/1", record, RUN, "vera")
    assert workspace.registry.apply(f"{RUN}/w/2", record, RUN, "bob") == 1
    Path(workspace.settings.access).write_text('{"default": "viewer"}')
    assert workspace.registry.apply(f"{RUN}/w/2", record, RUN, "bob") == 1


def test_an_alias_is_moved_by_who_may(workspace: Workspace) -> None:
    workspace._registry_store.register_model(model_version())
    with pytest.raises(Forbidden, match="takes the role approver"):
        workspace.registry.set_alias("digits", "champion", 1)
    workspace.acting_as("bob").registry.set_alias("digits", "champion", 1)
    newest, before = workspace.audit_trail.entries(action="alias", limit=2)
    assert [(each.action, each.user) for each in (newest, before)] == [
        ("alias.set", "bob"),
        ("alias.refuse", "ada"),
    ]
