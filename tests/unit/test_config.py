"""Where settings come from, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.config import GPU_SLOTS, HOME, TRUSTED_USERS, load_settings
from jupyter_mlops.errors import InvalidInput


def test_an_argument_beats_the_environment_which_beats_traitlets(tmp_path: Path) -> None:
    environ, traits = {HOME: str(tmp_path / "env")}, {"home": str(tmp_path / "trait"), "gpu_slots": 3}
    assert load_settings({"home": tmp_path / "arg"}, environ=environ, traits=traits).home == tmp_path / "arg"
    assert load_settings(environ=environ, traits=traits).home == tmp_path / "env"
    assert load_settings(environ={}, traits=traits).home == tmp_path / "trait"
    assert load_settings(environ=environ, traits=traits).gpu_slots == 3


def test_the_default_home_is_below_jupyters_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert load_settings(environ={}).home == tmp_path / "mlops"


def test_another_process_gets_the_same_workspace_from_the_environment(tmp_path: Path) -> None:
    given = {"home": tmp_path, "gpu_slots": 2, "user": "ann", "trusted_users": ("bob", "cleo")}
    settings = load_settings(given, environ={})
    again = load_settings(environ=settings.environment())
    assert again == settings


def test_trusted_users_are_names_parted_by_commas() -> None:
    assert load_settings(environ={TRUSTED_USERS: " bob, cleo ,"}).trusted_users == ("bob", "cleo")


def test_a_number_of_slots_that_is_none_is_refused_with_its_value() -> None:
    with pytest.raises(InvalidInput, match="two"):
        load_settings(environ={GPU_SLOTS: "two"})


def test_an_unknown_setting_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"'hoem'.*home"):
        load_settings({"hoem": "x"}, environ={})


def test_every_number_can_be_set_by_a_variable_of_its_name() -> None:
    environ = {"JUPYTER_MLOPS_OUTPUT_CAP_BYTES": "1e6", "JUPYTER_MLOPS_HEARTBEAT_S": "2.5"}
    settings = load_settings(environ=environ)
    assert (settings.output_cap_bytes, settings.heartbeat_s) == (1_000_000, 2.5)
    assert load_settings(environ=settings.environment()) == settings


@pytest.mark.parametrize("text", ["much", "-1", "nan", "inf"])
def test_a_number_that_is_none_is_refused_with_the_variable_and_its_value(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"JUPYTER_MLOPS_HEARTBEAT_S .*{text}"):
        load_settings(environ={"JUPYTER_MLOPS_HEARTBEAT_S": text})


def test_staging_is_read_from_the_environment_and_given_on() -> None:
    environ = {
        "JUPYTER_MLOPS_STAGING": "s3://team/jobs",
        "JUPYTER_MLOPS_STAGING_PYTHON": "/opt/python",
        "JUPYTER_MLOPS_STAGING_VARIABLES": "AWS_PROFILE, AWS_REGION,",
        "JUPYTER_MLOPS_STAGING_S": "2",
    }
    settings = load_settings(environ=environ)
    assert settings.staging == "s3://team/jobs"
    assert settings.staging_python == "/opt/python"
    assert settings.staging_variables == ("AWS_PROFILE", "AWS_REGION")
    assert settings.staging_s == 2
    assert load_settings(environ=settings.environment()) == settings
