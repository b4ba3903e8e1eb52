"""Expectations at work: each kind of check, at registration and at loading, remembered, and never pickled."""

from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from jupyter_mlops import check, expect, expectations
from jupyter_mlops import workspace as workspaces
from jupyter_mlops.entities import ExpectationResult, Severity
from jupyter_mlops.errors import ExpectationsFailed, ExpectationWarning, Forbidden, InvalidInput, NotFound
from jupyter_mlops.services.expectations import service as services
from jupyter_mlops.services.expectations.stating import state
from jupyter_mlops.workspace import Workspace
from tests.datasets import workspace_in
from tests.optional import optional

DATA = {
    "id": [1, 2, 2, None],
    "user": ["a", "a", "b", "b"],
    "age": [0.5, 130.0, float("nan"), -1.0],
    "sex": ["f", "m", "x", None],
    "email": ["a@b", "no", "c@d", None],
    'q"; --': [1, 2, 3, 4],
    "day": pa.array([19000, 19001, None, 19003], pa.date32()),
    "flag": [True, False, True, None],
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = workspace_in(tmp_path)
    workspaces.use(workspace)
    yield workspace
    workspaces.use(None)


def result_of(workspace: Workspace, **said: Any) -> ExpectationResult:
    """The result of the only expectation, on DATA."""
    service = workspace.expectations
    for each in service.all("data"):
        service.remove("data", each.name)
    service.set("data", state("data", **said))
    [found] = service.check_frame(pa.table(DATA), "data").results
    return found


HOLDS: list[dict[str, Any]] = [
    {"columns": ["id", 'q"; --']},
    {"types": {"id": "int64"}},
    {"types": {"age": "real"}},
    {"types": {"user": "text"}},
    {"not_null": ['q"; --']},
    {"unique": ['q"; --']},
    {"unique": [("id", "user")]},
    {"between": {"age": (-1, 130)}},
    {"between": {"day": ("2022-01-08", None)}},
    {"between": {"user": ("a", "b")}},
    {"one_of": {"sex": ["f", "m", "x"]}},
    {"one_of": {"id": [1, 2]}},
    {"one_of": {"flag": [True, False]}},
    {"matches": {"user": "[ab]"}},
    {"matches": {"id": "[12]"}},
    {"rows": 4},
    {"files": (1, 1)},
]


@pytest.mark.parametrize("said", HOLDS, ids=str)
def test_expectation_that_holds_passes(workspace: Workspace, said: dict[str, Any]) -> None:
    found = result_of(workspace, **said)
    assert found.passed, found.message


@pytest.mark.parametrize(
    ("said", "message", "failing", "examples"),
    [
        ({"columns": ["id", "no"]}, "There is no column 'no'. There are: 'id', 'user', ", None, []),
        ({"types": {"id": "string"}}, "'id' is int64, not string.", None, []),
        ({"types": {"age": "integer"}}, "'age' is double, not integer.", None, []),
        ({"not_null": "age"}, "'age' has no value in 1 of 4 rows.", 1, []),
        ({"not_null": "id"}, "'id' has no value in 1 of 4 rows.", 1, []),
        (
            {"unique": "id"},
            "'id': 2 of 4 rows have values that are there twice or more, such as '2'.",
            2,
            ["2"],
        ),
        ({"unique": [("user", "user")]}, "4 of 4 rows have values", 4, ["a, a", "b, b"]),
        (
            {"between": {"age": (0, 120)}},
            "'age' is not between 0 and 120 in 2 of 4 rows",
            2,
            ["-1.0", "130.0"],
        ),
        (
            {"between": {"day": (None, "2022-01-09")}},
            "'day' is not at most 2022-01-09 in 1 of 4",
            1,
            ["2022-01-11"],
        ),
        ({"one_of": {"sex": ["f", "m"]}}, "'sex' is none of 'f', 'm' in 1 of 4 rows, such as 'x'.", 1, ["x"]),
        ({"matches": {"email": ".+@.+"}}, "'email' does not match '.+@.+' in 1 of 4 rows", 1, ["no"]),
        ({"matches": {"email": "a"}}, "'email' does not match 'a' in 3 of 4 rows", 3, ["a@b", "c@d", "no"]),
        ({"between": {"sex": (0, 1)}}, "'sex' of type string cannot be looked at so: 0 is no text", None, []),
        ({"between": {"day": (0, 1)}}, "0 is no text of a time", None, []),
        ({"between": {"day": ("soon", None)}}, "'day' of type date32[day] cannot be looked at so", None, []),
        ({"one_of": {"id": ["1"]}}, "'1' is a text", None, []),
        ({"rows": (5, None)}, "4 rows, not at least 5.", None, []),
        ({"files": (2, 3)}, "1 file, not between 2 and 3.", None, []),
    ],
    ids=str,
)
def test_expectation_that_is_broken_says_how(
    workspace: Workspace, said: dict[str, Any], message: str, failing: int | None, examples: list[str]
) -> None:
    found = result_of(workspace, **said)
    assert not found.passed
    assert message in found.message
    assert (found.failing, found.examples) == (failing, examples)


def test_version_that_is_not_as_expected_is_not_registered(workspace: Workspace) -> None:
    expect("train", between={"age": (0, 120)}, not_null="age")
    with pytest.raises(
        ExpectationsFailed, match=r"Dataset 'train' is not registered: \[between: age\] 'age' is not"
    ):
        workspace.registry.register_dataset(pd.DataFrame({"age": [130]}), name="train")
    with pytest.raises(NotFound):
        workspace.registry.dataset("train")
    assert workspace.registry.register_dataset(pd.DataFrame({"age": [30]}), name="train").version == 1


def test_version_that_is_not_as_expected_any_more_is_not_loaded(workspace: Workspace) -> None:
    workspace.registry.register_dataset(pd.DataFrame({"age": [130]}), name="train")
    expect("train", between={"age": (0, 120)})
    with pytest.raises(ExpectationsFailed, match="Dataset 'train@1' is not loaded"):
        workspace.registry.load_dataset("train")
    expect("train", remove="between: age")
    assert list(workspace.registry.load_dataset("train")["age"]) == [130]


def test_expectation_that_warns_does_so_once_in_the_users_line(workspace: Workspace) -> None:
    from jupyter_mlops import load_dataset, register_dataset

    expect("train", between={"age": (0, 120)}, on_fail="warn")
    with pytest.warns(ExpectationWarning, match="'age' is not between 0 and 120 in 1 of 1 rows") as caught:
        register_dataset(pd.DataFrame({"age": [130]}), name="train")
    assert [Path(each.filename).name for each in caught] == ["test_expectations_service.py"]
    with pytest.warns(ExpectationWarning) as loading:
        load_dataset("train")
    assert [Path(each.filename).name for each in loading] == ["test_expectations_service.py"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_dataset("train")


def test_content_that_was_looked_at_is_not_looked_at_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect("train", not_null="age")
    workspace.registry.register_dataset(pd.DataFrame({"age": [30]}), name="train")
    known = check("train")

    def never(*_: object) -> None:
        raise AssertionError("it was looked at again")

    monkeypatch.setattr(services, "open_engine", never)
    assert list(workspace.registry.load_dataset("train")["age"]) == [30]
    assert check("train@1").entity == known.entity
    report = workspace.expectations.report("train", known.entity.digest)
    assert report is not None
    assert report.passed
    expect("train", rows=(1, None))
    with pytest.raises(AssertionError, match="looked at again"):
        workspace.registry.load_dataset("train")


def test_files_and_folders_are_checked_as_what_they_are(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    expect("folder", files=(1, 2), not_null="id")
    with pytest.raises(ExpectationsFailed, match=r"\[not_null: id\] It is a folder, no table\."):
        workspace.registry.register_dataset(folder, name="folder")
    expect("folder", remove="not_null: id")
    assert workspace.registry.register_dataset(folder, name="folder").version == 1
    (tmp_path / "d.csv").write_text("id\n1\nNA\n")
    expect("csv", not_null="id", types={"id": "int64"})
    with pytest.raises(ExpectationsFailed, match=r"'id' has no value in 1 of 2 rows"):
        workspace.registry.register_dataset(tmp_path / "d.csv", name="csv")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    expect("bad", rows=(1, None))
    with pytest.raises(ExpectationsFailed, match="does not read as a table"):
        workspace.registry.register_dataset(tmp_path / "bad.parquet", name="bad")


def test_a_frame_is_checked_without_being_registered(workspace: Workspace) -> None:
    expect("train", not_null="age")
    assert check(pd.DataFrame({"age": [1]}), "train")
    found = check(pd.DataFrame({"age": [None]}, dtype="float64"), "train")
    assert (bool(found), [each.name for each in found.failed]) == (False, ["not_null: age"])
    assert found.results["not_null: age"].failing == 1
    with pytest.raises(NotFound, match="No dataset 'other'"):
        check(pd.DataFrame({"x": [1]}), "other")
    with pytest.raises(InvalidInput, match=r"mlops\.check\(frame, 'train'\)"):
        check(pd.DataFrame({"x": [1]}))
    with pytest.raises(InvalidInput, match="A list is no table"):
        check([1], "train")
    with pytest.raises(NotFound):
        workspace.registry.dataset("train")


def test_expectations_list_and_show_themselves(workspace: Workspace) -> None:
    evil = "<b>id</b>"
    with pytest.raises(NotFound, match="No dataset 'train'"):
        expectations("train")
    workspace.registry.register_dataset(pa.table({evil: [0], "age": [0]}), name="train")
    assert "Nothing is expected of it yet" in repr(expectations("train"))
    said = expect("train", not_null=evil, between={"age": (0, None)}, on_fail="warn")
    assert said.names == [f"not_null: {evil}", "between: age"]
    assert list(said.to_frame()["is"]) == [f"{evil} has a value in every row", "age is at least 0"]
    assert [each.severity for each in said] == [Severity.WARN] * 2
    assert evil in repr(said)
    assert evil not in said._repr_html_()
    workspace.registry.register_dataset(pa.table({evil: [1], "age": [1]}), name="train")
    found = check("train")
    assert "train@2: all expectations hold" in repr(found)
    assert evil not in found._repr_html_()
    assert json.loads(found.to_json())["passed"] is True


def test_only_who_may_describe_a_dataset_says_what_is_expected(tmp_path: Path) -> None:
    roles = tmp_path / "roles.json"
    roles.write_text(json.dumps({"default": "viewer", "roles": {"ada": "contributor"}}))
    workspace = workspace_in(tmp_path, access=str(roles))
    workspace.expectations.set("train", state("train", not_null="id"))
    bob = workspace.acting_as("bob").expectations
    with pytest.raises(Forbidden):
        bob.set("train", state("train", rows=1))
    with pytest.raises(Forbidden):
        bob.remove("train", "not_null: id")
    assert [each.name for each in bob.all("train")] == ["not_null: id"]
    trail = [(each.action, each.user) for each in workspace.registry.audit(subject="dataset:train")]
    assert ("expectation.set", "ada") in trail


def test_a_pattern_that_the_engine_does_not_know_is_refused_when_it_is_said(workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match="no regular expression of RE2, which knows no look-ahead"):
        expect("train", matches={"email": r"(?=a)b"})
    with pytest.raises(InvalidInput, match="Say what is expected"):
        expect("train")
    assert workspace.expectations.all("train") == []


@pytest.mark.parametrize(
    "said",
    [
        {"columns": ["id", "agee"]},
        {"types": {"agee": int}},
        {"not_null": "agee"},
        {"unique": [("id", "agee")]},
        {"between": {"agee": (0, 1)}},
        {"one_of": {"agee": [1]}},
        {"matches": {"agee": ".*"}},
    ],
    ids=str,
)
def test_column_that_the_newest_version_has_not_is_taken_for_a_typo(
    workspace: Workspace, said: dict[str, Any]
) -> None:
    for frame in (pd.DataFrame({"agee": [1]}), pd.DataFrame({"id": [1], "age": [2]})):
        workspace.registry.register_dataset(frame, name="train")
    with pytest.raises(
        InvalidInput, match=r"train@2 has no column 'agee'; it has id, age\. Did you mean 'age'\?"
    ) as caught:
        expect("train", **said)
    assert "new_columns=['agee']" in caught.value.message
    assert workspace.expectations.all("train") == []
    assert len(expect("train", **said, new_columns="agee")) == 1
    assert not check("train")  # a column that is still missing at a check is a failure
    assert len(expect("train", rows=1)) == 2  # what was said before is not refused later


def test_any_column_may_be_named_before_the_first_version_and_of_what_is_no_table(
    workspace: Workspace, tmp_path: Path
) -> None:
    assert len(expect("later", not_null="x")) == 1
    (tmp_path / "notes.txt").write_text("x")
    workspace.registry.register_dataset(tmp_path / "notes.txt", name="notes")
    assert len(expect("notes", not_null="x")) == 1


def test_columns_that_a_pandera_schema_wants_are_there(workspace: Workspace) -> None:
    pandera = optional("pandera.pandas")
    workspace.registry.register_dataset(pd.DataFrame({"age": [1]}), name="train")
    wanted = pandera.Column(int)
    free = {"maybe": pandera.Column(int, required=False), "x_.*": pandera.Column(int, regex=True)}
    assert len(expect("train", pandera=pandera.DataFrameSchema({"age": wanted, **free}))) == 1
    with pytest.raises(InvalidInput, match="train@1 has no column 'agee'"):
        expect("train", pandera=pandera.DataFrameSchema({"agee": wanted, **free}))


def test_type_is_compared_by_arrows_own_name(workspace: Workspace) -> None:
    found = result_of(workspace, types={"day": "date32"})
    assert found.passed, found.message


@pytest.mark.parametrize("given", [5, [5], {"not_null: id"}], ids=str)
def test_what_is_to_be_removed_is_named(workspace: Workspace, given: Any) -> None:
    with pytest.raises(InvalidInput, match="remove takes the name of an expectation"):
        expect("train", remove=given)


def test_pandera_schemas_are_kept_as_their_json(workspace: Workspace) -> None:
    pandera = optional("pandera.pandas")
    schema = pandera.DataFrameSchema(
        {
            "age": pandera.Column(int, pandera.Check.in_range(0, 120)),
            "sex": pandera.Column(str, pandera.Check.isin(["f", "m"]), nullable=True),
        },
        name="people",
    )
    [said] = expect("train", pandera=schema)
    assert (said.name, said.columns) == ("pandera: people", ["age", "sex"])
    assert json.loads(said.arguments["schema"])["columns"]["age"]["in_range"]["max_value"] == 120
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(said.arguments["schema"].encode())
    frame = pd.DataFrame({"age": [1, 130], "sex": ["f", "x"]})
    with pytest.raises(ExpectationsFailed, match=r"'age': in_range\(0, 120\) \(1\), such as '130'"):
        workspace.registry.register_dataset(frame, name="train")
    assert check(frame, "train").failed[0].failing == 1  # both in one row
    good = pd.DataFrame({"age": [1], "sex": ["f"]})
    assert workspace.registry.register_dataset(good, name="train").version == 1


def test_pandera_schemas_that_only_python_can_say_are_refused(workspace: Workspace) -> None:
    pandera = optional("pandera.pandas")
    for schema, reason in (
        (
            pandera.DataFrameSchema({"x": pandera.Column(int, pandera.Check(lambda x: x > 0))}),
            "only Python code",
        ),
        (
            pandera.DataFrameSchema({"x": pandera.Column(int)}, checks=pandera.Check(lambda f: True)),
            "only Python",
        ),
        (pandera.DataFrameSchema({"x": pandera.Column(int, parsers=pandera.Parser(abs))}), "has parsers"),
        (
            "no schema",
            r"takes a DataFrameSchema or a DataFrameModel of pandera\.pandas, not a builtins\.str\.$",
        ),
        (list, r"not a builtins\.list\.$"),
    ):
        with pytest.raises(InvalidInput, match=reason):
            expect("train", pandera=schema)
    assert workspace.expectations.all("train") == []


def test_pandera_schema_of_another_library_is_named_and_not_shown(workspace: Workspace) -> None:
    pandera = optional("pandera.polars")
    optional("polars")
    for schema in (pandera.DataFrameSchema({"x": pandera.Column(int)}), pandera.DataFrameModel):
        with pytest.raises(InvalidInput, match=r"of pandera\.pandas, not a pandera\.[\w.]+\.$"):
            expect("train", pandera=schema)


def test_without_pandera_the_error_says_what_to_install(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from jupyter_mlops.errors import MissingPackage

    monkeypatch.setitem(sys.modules, "pandera.pandas", None)
    with pytest.raises(MissingPackage, match=r"pip install 'jupyter-mlops\[pandera\]'"):
        expect("train", pandera=object())
