"""The name of what is registered is said with its keyword, or just after the thing itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.config import Settings
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.workspace import Workspace, use


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    settings = Settings(
        home=tmp_path / "home", runtime_dir=tmp_path / "run", leases_dir=tmp_path / "leases", user="ada"
    )
    made = Workspace(settings)
    use(made)
    yield made
    use(None)


registering = pytest.mark.parametrize(
    ("register", "thing"),
    [(mlops.register_model, {"weights": [1]}), (mlops.register_dataset, pd.DataFrame({"x": [1, 2]}))],
    ids=["model", "dataset"],
)


@registering
@pytest.mark.parametrize("given", [(("digits",), {}), ((), {"name": "digits"})], ids=["place", "keyword"])
def test_a_name_is_taken_by_its_place_and_by_its_keyword(register: Any, thing: Any, given: Any) -> None:
    arguments, named = given
    version = register(thing, *arguments, alias="champion", **named)
    assert (version.name, version.version, version.aliases) == ("digits", 1, ["champion"])


@registering
@pytest.mark.parametrize("name", ["", "a@b", 3, None])
def test_what_is_no_name_is_refused_as_such_wherever_it_stands(register: Any, thing: Any, name: Any) -> None:
    with pytest.raises(InvalidInput):
        register(thing, name)
