"""Each error of the core has its HTTP status, and no answer tells what only the log may know."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from jupyter_mlops import errors
from jupyter_mlops.server.problems import STATUS_OF_CODE


def every_class(root: type[errors.MlopsError]) -> Iterator[type[errors.MlopsError]]:
    yield root
    for child in root.__subclasses__():
        yield from every_class(child)


def failing(error: Exception) -> SimpleNamespace:
    def fail(*_, **__):
        raise error

    return SimpleNamespace(runs=SimpleNamespace(experiments=fail))


def test_every_code_has_a_status():
    in_the_tree = {each.code for each in every_class(errors.MlopsError) if each.__module__ == errors.__name__}
    assert in_the_tree == set(STATUS_OF_CODE)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFound, 404),
        (errors.InvalidInput, 400),
        (errors.FilterError, 400),
        (errors.ParameterError, 400),
        (errors.Ambiguous, 409),
        (errors.Conflict, 409),
        (errors.NoActiveRun, 409),
        (errors.PromotionRefused, 409),
        (errors.JobFailed, 409),
        (errors.WaitTimeout, 504),
        (errors.Untrusted, 403),
        (errors.Corrupt, 500),
        (errors.Unavailable, 503),
        (errors.MissingPackage, 501),
        (errors.Unsupported, 501),
        (errors.MlopsError, 500),
    ],
)
async def test_an_error_of_the_core_has_its_status_and_words(api, serve, error, status):
    serve(failing(error("No 100% luck with 'x'. Try y.")))
    assert await api.refused("GET", "experiments") == (status, error.code, "No 100% luck with 'x'. Try y.")


async def test_an_unforeseen_error_is_logged_and_not_told(api, serve, caplog):
    serve(failing(KeyError("postgresql://ada:secret@db")))
    status, code, message = await api.refused("GET", "experiments")
    assert (status, code) == (500, "error")
    assert "KeyError" in message
    assert "secret" not in message
    assert any(record.exc_info and "secret" in str(record.exc_info[1]) for record in caplog.records)


async def test_a_full_disk_is_told_in_the_systems_words(api, serve):
    serve(failing(OSError(28, "No space left on device")))
    status, code, message = await api.refused("GET", "experiments")
    assert (status, code) == (503, "unavailable")
    assert "No space left on device" in message


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_an_unknown_address_is_answered_in_the_same_form(api, method):
    body = None if method == "GET" else "{}"
    status, code, message = await api.refused(method, "nowhere/at/all", body)
    assert (status, code) == (404, "not_found")
    assert "/jupyter-mlops/api/nowhere/at/all" in message


async def test_an_unknown_method_is_answered_in_the_same_form(api):
    status, code, _ = await api.refused("DELETE", "runs")
    assert (status, code) == (405, "method_not_allowed")


async def test_a_slow_answer_holds_up_no_other(api, serve):
    release = threading.Event()

    def wait_for_release() -> list[str]:
        assert release.wait(20)
        return ["slow"]

    serve(
        SimpleNamespace(
            runs=SimpleNamespace(experiments=wait_for_release),
            registry=SimpleNamespace(models=list),
        )
    )
    slow = asyncio.ensure_future(api.get("experiments"))
    assert await api.get("models") == {"models": []}  # answered while the other waits
    assert not slow.done()
    release.set()
    assert await slow == {"experiments": ["slow"]}


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("runs", {"limit": "many"}, "limit must be a whole number, not 'many'"),
        ("runs", {"limit": "0"}, "limit must be at least 1, not 0"),
        ("runs", {"offset": "-1"}, "offset must be at least 0, not -1"),
        ("runs", {"archived": "maybe"}, "archived must be 0 or 1, not 'maybe'"),
        ("runs/x/history", {}, "'name' is missing"),
        ("compare", {"a": "x"}, "'b' is missing"),
        ("lineage", {}, "'node' is missing"),
        ("notebooks/parameters", {}, "'path' is missing"),
        ("jobs", {"status": "busy"}, "No job status 'busy'. There are: queued, starting"),
        ("jobs/x/log", {"offset": "a"}, "offset must be a whole number"),
    ],
)
async def test_a_bad_query_says_what_is_wrong(api, path, query, words):
    status, code, message = await api.refused("GET", path, **query)
    assert (status, code) == (400, "invalid_input")
    assert words in message


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("PATCH", "runs/x", "{nonsense", "not valid JSON"),
        ("PATCH", "runs/x", b"\xff\xfe", "not valid JSON"),
        ("PATCH", "runs/x", "", "must be a JSON object with fields of: name, note, tags, archived"),
        ("PATCH", "runs/x", "[1]", "must be a JSON object"),
        ("PATCH", "runs/x", "{}", "Nothing to change"),
        ("PATCH", "runs/x", {"nmae": "y"}, "unknown field 'nmae'. Fields: name, note"),
        ("PATCH", "runs/x", {"name": 5}, "at `$.name`"),
        ("PATCH", "runs/x", {"tags": {"a": [1]}}, "at `$.tags[...]`"),
        ("PUT", "models/m/aliases/a", {}, "missing required field `version`"),
        ("PUT", "models/m/aliases/a", {"version": "new"}, "at `$.version`"),
        ("POST", "jobs", {"params": {}}, "missing required field `path`"),
        ("POST", "jobs", {"path": "x.ipynb", "gpus": "two"}, "at `$.gpus`"),
        ("POST", "jobs", {"path": "x.ipynb", "params": ["lr"]}, "at `$.params`"),
    ],
)
async def test_a_bad_body_says_what_is_wrong(api, method, path, body, words):
    status, code, message = await api.refused(method, path, body)
    assert (status, code) == (400, "invalid_input")
    assert words in message


async def test_a_huge_limit_is_clamped(api, serve):
    asked = {}

    def search(condition, **options):
        asked.update(options)
        return {"runs": [], "total": 0}

    serve(SimpleNamespace(runs=SimpleNamespace(search=search)))
    await api.get("runs", limit=10**9)
    assert asked == {"order_by": "started desc", "limit": 1000, "offset": 0, "archived": False}
