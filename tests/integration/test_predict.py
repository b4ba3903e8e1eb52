"""Predicting by a reference: from the API, from a run, and from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

import jupyter_mlops as mlops
from jupyter_mlops import workspace as workspaces
from jupyter_mlops.cli import main
from jupyter_mlops.entities import RunKind, RunStatus, VersionRef
from jupyter_mlops.errors import InvalidInput, NotFound, Untrusted
from jupyter_mlops.services.registry.model_files import MOST_LOADED
from jupyter_mlops.workspace import Workspace

from ..optional import optional
from ..registries import RecordedRun, open_registry, settings_in

FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 1.0]})
TARGET = FRAME.a * 2 + FRAME.b


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    settings = settings_in(tmp_path / "home")
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    made = Workspace(settings)
    workspaces.use(made)
    yield made
    workspaces.use(None)


@pytest.fixture
def line(workspace: Workspace) -> Any:
    model = LinearRegression().fit(FRAME, TARGET)
    return mlops.register_model(model, name="line", alias="champion", example=FRAME, tags={"stage": "trial"})


def test_model_predicts_by_its_alias_whatever_the_order_of_columns(line: Any) -> None:
    shuffled = FRAME.assign(label="x")[["label", "b", "a"]]
    for data in (FRAME, shuffled, FRAME.to_dict("list"), FRAME.to_dict("records"), FRAME.to_numpy()):
        np.testing.assert_allclose(mlops.predict("line@champion", data), TARGET)


def test_data_that_the_model_cannot_take_is_named(line: Any) -> None:
    with pytest.raises(InvalidInput, match="Model line@1 needs the columns 'a', which the data lacks"):
        mlops.predict("line", FRAME[["b"]])
    with pytest.raises(NotFound, match="lime"):
        mlops.predict("lime", FRAME)


@pytest.mark.parametrize("twin", ["a", "extra"])
def test_only_columns_that_the_model_takes_have_to_be_the_only_ones_of_their_name(
    line: Any, twin: str
) -> None:
    data = pd.concat([FRAME.assign(extra="x"), pd.DataFrame({twin: [9.0] * 3})], axis=1)
    if twin == "a":
        with pytest.raises(
            InvalidInput, match="Model line@1 needs one column 'a', and the data has 2 of that"
        ):
            mlops.predict("line", data)
    else:
        np.testing.assert_allclose(mlops.predict("line", data), TARGET)


def test_alias_that_has_moved_is_seen_at_once(line: Any) -> None:
    np.testing.assert_allclose(mlops.predict("line@champion", FRAME), TARGET)
    mlops.register_model(LinearRegression().fit(FRAME, -TARGET), name="line", alias="champion")
    np.testing.assert_allclose(mlops.predict("line@champion", FRAME), -TARGET)


class Echo:
    """Gives its input back, and counts how often it is loaded."""

    loads = 0

    def __getstate__(self) -> int:
        return 1

    def __setstate__(self, state: int) -> None:
        Echo.loads += state

    def predict(self, data: Any) -> Any:
        return data


def test_model_is_loaded_once_and_only_a_few_are_kept(tmp_path: Path) -> None:
    service = open_registry(tmp_path / "home").service
    service.register_model(Echo(), name="echo")
    before = Echo.loads
    assert [service.predict("echo", [number]) for number in range(3)] == [[0], [1], [2]]
    assert Echo.loads == before + 1
    for number in range(MOST_LOADED):
        service.register_model({"n": number}.get, name=f"m{number}")
        assert service.predict(f"m{number}", "n") == number
    assert service.predict("echo", [1]) == [1]
    assert Echo.loads == before + 2


def test_kept_model_is_still_refused_to_who_does_not_trust_it(tmp_path: Path) -> None:
    open_registry(tmp_path / "home").service.register_model(Echo(), name="echo")
    shared = {"database": tmp_path / "home" / "registry.sqlite", "blobs": tmp_path / "home" / "blobs"}
    stranger = open_registry(tmp_path / "other", user="bob", **shared)
    assert stranger.service.predict("echo", [1], trust=True) == [1]
    with pytest.raises(Untrusted):
        stranger.service.predict("echo", [1])


def test_run_that_predicts_has_the_model_as_its_input(tmp_path: Path) -> None:
    registry = open_registry(tmp_path / "home")
    version = registry.service.register_model(Echo(), name="echo")
    registry.run = run = RecordedRun()
    registry.service.predict("echo", [1])
    assert run.versions_read == [VersionRef(kind="model", name="echo", version=1, digest=version.digest)]


def test_run_records_what_it_reads_once_and_links_its_model(workspace: Workspace) -> None:
    mlops.register_dataset(FRAME, name="train")
    with mlops.track("fit", experiment="digits") as run:
        for _ in range(3):
            frame = mlops.load_dataset("train@1")
        mlops.log(loss=0.5)
        version = mlops.log_model(
            LinearRegression().fit(frame[["a", "b"]], TARGET), "line", example=frame, tags={"by": "hand"}
        )
        for _ in range(3):
            mlops.predict("line", frame)
    assert [(each.kind, each.name, each.version) for each in run.versions_read] == [
        ("dataset", "train", 1),
        ("model", "line", 1),
    ]
    assert ([each.name for each in version.datasets], version.run_id) == (["train"], run.id)
    assert (version.metrics, version.tags) == ({"loss": 0.5}, {"by": "hand"})
    assert version.code_digest is not None
    assert "mlops.log_model(" in workspace.blobs.get(version.code_digest).decode()
    assert len(workspace.runs.detail(run.id).inputs) == 2


def test_process_that_joins_a_run_knows_its_code(workspace: Workspace) -> None:
    run = workspace.tracker.start(name="job", kind=RunKind.SCRIPT, source="fit(token='a1b2')")
    joined = workspace.tracker.join(run.id)
    assert joined.code() == run.code() != ""
    run.end(RunStatus.FINISHED)


def test_process_of_a_job_knows_the_jobs_notebook(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = workspace.settings.home / "jobs" / "job"
    folder.mkdir(parents=True)
    cells = [
        {"cell_type": "code", "source": ["lr = 0.1\n", "password = 'hunter2!x'"]},
        {"cell_type": "markdown", "source": "text"},
        {"cell_type": "code", "source": "fit(lr)"},
    ]
    (folder / "input.ipynb").write_text(json.dumps({"cells": cells}))
    run = workspace.tracker.start(name="job", kind=RunKind.JOB, job_id="job")
    monkeypatch.setenv("JUPYTER_MLOPS_JOB", "job")
    joined = workspace.tracker.join(run.id)
    code = joined.code()
    assert (joined.job_id, code.startswith("# %%\nlr = 0.1\n"), code.endswith("\n\n# %%\nfit(lr)")) == (
        "job",
        True,
        True,
    )
    assert "hunter2" not in code
    run.end(RunStatus.FINISHED)


def test_models_lists_flavour_signature_and_tags(line: Any) -> None:
    row = mlops.models().iloc[0]
    assert (row.flavour, row.inputs, row.tags, row.aliases) == (
        line.format,
        ["a", "b"],
        {"stage": "trial"},
        ["champion"],
    )


def test_torch_predicts_with_the_columns_in_its_order(workspace: Workspace, tmp_path: Path) -> None:
    torch = optional("torch")
    net = torch.nn.Linear(2, 1).eval()
    mlops.register_model(net, name="net", example=FRAME)
    expected = net(torch.tensor(FRAME.to_numpy(), dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(mlops.predict("net", FRAME.assign(c=1)[["c", "b", "a"]]), expected, rtol=1e-6)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "tsv", "jsonl"])
def test_command_predicts_from_a_file_to_a_file(line: Any, tmp_path: Path, suffix: str) -> None:
    rows, out = tmp_path / f"rows.{suffix}", tmp_path / "out.parquet"
    write = {
        "csv": lambda: FRAME.to_csv(rows, index=False),
        "tsv": lambda: FRAME.to_csv(rows, index=False, sep="\t"),
        "parquet": lambda: FRAME.to_parquet(rows),
        "jsonl": lambda: FRAME.to_json(rows, orient="records", lines=True),
    }
    write[suffix]()
    assert main(["predict", "line@champion", str(rows), "-o", str(out)]) == 0
    np.testing.assert_allclose(pd.read_parquet(out).prediction, TARGET)


def test_command_prints_predictions_as_csv_and_json(
    line: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.npy"
    np.save(rows, FRAME.to_numpy())
    assert main(["predict", "line", str(rows)]) == 0
    text = capsys.readouterr().out.split()
    assert (text[0], np.round([float(each) for each in text[1:]], 6).tolist()) == ("prediction", [1, 2, 5])
    assert main(["--json", "predict", "line", str(rows)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [round(each["prediction"], 6) for each in found] == [1, 2, 5]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "line", "nowhere.csv"], "No file 'nowhere.csv' to predict"),
        (["predict", "line", "rows.txt"], "holds no rows to predict"),
        (["predict", "line", "rows.csv", "-o", "out.xlsx"], ".csv, .tsv, .parquet or .npy"),
        (["predict", "line", "bad.csv"], "needs the columns 'b'"),
    ],
)
def test_command_says_what_is_wrong(
    line: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.txt").write_text("text")
    FRAME.to_csv("rows.csv", index=False)
    FRAME[["a"]].to_csv("bad.csv", index=False)
    assert main(arguments) == 1
    assert words in " ".join(capsys.readouterr().err.split())


def test_command_lists_what_models_are(line: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "line"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert all(
        word in text for word in ("line@1", "champion", line.format, "table of 2 → array", "stage=trial")
    )
