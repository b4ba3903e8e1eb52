"""The table of addresses that contributors read says what is there."""

from __future__ import annotations

import re

from jupyter_mlops import server
from jupyter_mlops.server.routes import NAME, ROUTES

from .test_access import implemented

ROW = re.compile(r"^(GET|POST|PUT|PATCH|DELETE) +([\w/]+)", re.MULTILINE)


def test_the_table_of_routes_lists_them_all():
    documented = {(verb, re.sub(r"[A-Z]+", "x", path)) for verb, path in ROW.findall(server.__doc__)}
    there = {(verb, path.removeprefix("api/")) for verb, path in implemented() if path != "api/nowhere"}
    assert documented == there


def test_only_artifact_names_and_unknown_addresses_reach_over_slashes():
    assert [path for path, _ in ROUTES if ".+" in path.replace(NAME, "") or ".*" in path] == [
        f"api/runs/{NAME}/artifacts/(.+)",
        "api(?:/.*)?",
    ]
