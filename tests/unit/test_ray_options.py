"""What --ray-NAME VALUE may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.config import load_settings
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.executors.ray.options import RayOptions, read_options


def test_all_options_are_read(tmp_path: Path) -> None:
    options = read_options(
        {
            "address": "https://ray.example/",
            "resources": "TPU=1, big=0.5",
            "num-cpus": "0.5",
            "runtime-env": '{"env_vars": {"A": "1"}, "working_dir": "s3://code/job.zip"}',
            "pip": "torch 'numpy>=1,<2'",
            "env": "B=2 C='3 4'",
            "python": "/opt/python",
        },
        cwd=tmp_path,
    )
    assert options == RayOptions(
        address="https://ray.example",
        resources={"TPU": 1.0, "big": 0.5},
        cpus=0.5,
        runtime_env={
            "env_vars": {"A": "1", "B": "2", "C": "3 4"},
            "working_dir": "s3://code/job.zip",
            "pip": ["torch", "numpy>=1,<2"],
        },
        python="/opt/python",
    )


def test_runtime_environment_may_lie_in_a_file_beside_the_notebook(tmp_path: Path) -> None:
    (tmp_path / "env.json").write_text('{"conda": "torch"}')
    assert read_options({"runtime-env": "env.json"}, cwd=tmp_path).runtime_env == {"conda": "torch"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"adress": "http://x"}, "Did you mean --ray-address"),
        ({"queue": "x"}, "There are: --ray-address"),
        ({"pip": ""}, "--ray-pip needs a value"),
        ({"address": "auto"}, "such as http://127.0.0.1:8265, not 'auto'"),
        ({"address": "ray://head:10001"}, "not 'ray://head:10001'"),
        ({"resources": "TPU"}, "NAME=VALUE, not 'TPU'"),
        ({"resources": "TPU=-1"}, "--ray-resources TPU must be a number"),
        ({"resources": "GPU=1"}, "ask for GPU by --gpus"),
        ({"num-cpus": "many"}, "not 'many'"),
        ({"env": "A"}, "--ray-env wants NAME=VALUE"),
        ({"runtime-env": "{"}, "must be JSON"),
        ({"runtime-env": "nowhere.json"}, "nowhere.json"),
        ({"runtime-env": "[1]"}, "--ray-runtime-env must be JSON"),
        ({"runtime-env": '{"working_dir": "."}'}, "must be a URL"),
        ({"runtime-env": '{"py_modules": ["s3://a.zip", "lib"]}'}, "not 'lib'"),
        ({"runtime-env": '{"pip": ["a"]}', "pip": "b"}, "exclude each other"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_options(given, cwd=tmp_path)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, None),
        ({"RAY_ADDRESS": "http://head:8265"}, "http://head:8265"),
        ({"RAY_ADDRESS": "10.0.0.1:6379"}, None),
        ({"RAY_ADDRESS": "auto", "RAY_API_SERVER_ADDRESS": "https://head"}, "https://head"),
        ({"RAY_ADDRESS": "http://head", "JUPYTER_MLOPS_RAY_ADDRESS": "http://other"}, "http://other"),
    ],
)
def test_address_is_that_of_rays_own_client_unless_one_is_set_here(
    environment: dict[str, str], address: str | None, tmp_path: Path
) -> None:
    settings = load_settings({"home": tmp_path}, environ=environment)
    assert settings.ray_address == address
    assert settings.environment().get("JUPYTER_MLOPS_RAY_ADDRESS") == address
