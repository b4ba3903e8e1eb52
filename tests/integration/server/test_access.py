"""No verb of any route answers somebody who is not logged in, or whom the Authorizer denies."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import tornado.web
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPClientError

from jupyter_mlops.server.routes import NAME, ROUTES

VERBS = ("get", "head", "post", "put", "patch", "delete")
ANY_BODY = {"POST", "PUT", "PATCH"}
XSRF = "2|00000000|6a757079746572|1700000000"
"""A token in Tornado's format (version, mask, token, time), which cookie and header must agree on."""


def implemented() -> list[tuple[str, str]]:
    """Every (verb, address) that some handler takes."""
    return [
        (verb.upper(), pattern.replace(NAME, "x").replace("(.+)", "x").replace("(?:/.*)?", "/nowhere"))
        for pattern, handler in ROUTES
        for verb in VERBS
        if getattr(handler, verb) is not getattr(tornado.web.RequestHandler, verb)
    ]


USUAL = {"GET": "read", **dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), "write")}
ACTIONS = {  # they run code
    ("POST", "api/jobs"): "execute",
    ("POST", "api/runs/x/reproductions"): "execute",
    ("POST", "api/schedules/x/resume"): "execute",
    ("POST", "api/schedules/x/run"): "execute",
}


class Denying(Authorizer):
    """Denies what is ours, and remembers what it was asked."""

    asked: list[tuple[str, str]] = []

    def is_authorized(self, handler, user, action, resource):
        self.asked.append((action, resource))
        return False


def test_every_route_is_enumerated():
    assert len({address for _, address in implemented()}) == len(ROUTES)
    assert {verb for verb, _ in implemented()} == {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.mark.parametrize(("verb", "address"), implemented())
async def test_without_a_token_is_refused(jp_fetch, verb, address):
    # with the XSRF token, so that it is the login that is missing and nothing else
    headers = {"Authorization": "token wrong", "Cookie": f"_xsrf={XSRF}", "X-XSRFToken": XSRF}
    assert await refusal(jp_fetch, verb, address, headers) == (403, "forbidden")


@pytest.mark.parametrize("jp_argv", [[f"--ServerApp.authorizer_class={__name__}.Denying"]])
@pytest.mark.parametrize(("verb", "address"), implemented())
async def test_a_denying_authorizer_is_obeyed(jp_fetch, verb, address, jp_argv, monkeypatch):
    monkeypatch.setattr(Denying, "asked", [])
    assert await refusal(jp_fetch, verb, address, {}) == (403, "forbidden")
    assert Denying.asked == [(ACTIONS.get((verb, address), USUAL[verb]), "jupyter_mlops")]


async def test_a_cookie_alone_changes_nothing_without_its_xsrf_token(
    jp_fetch, http_server_client, jp_base_url, serve
):
    serve(SimpleNamespace(jobs=SimpleNamespace(cancel=lambda job_id: {"id": job_id})))
    login = await jp_fetch("api", "me")
    cookie = "; ".join(each.split(";")[0] for each in login.headers.get_list("Set-Cookie"))

    async def cancel(**headers: str) -> tuple[int, bytes]:
        url = f"{jp_base_url}jupyter-mlops/api/jobs/x/cancel"
        answer = await http_server_client.fetch(
            url,
            method="POST",
            body="{}",
            headers={"Cookie": f"{cookie}; _xsrf={XSRF}", **headers},
            raise_error=False,
        )
        return answer.code, json.loads(answer.body)

    status, problem = await cancel()
    assert (status, problem["code"]) == (403, "forbidden")
    assert "_xsrf" in problem["message"]
    assert await cancel(**{"X-XSRFToken": XSRF}) == (200, {"id": "x"})


async def refusal(jp_fetch, verb, address, headers) -> tuple[int, str]:
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch(
            "jupyter-mlops",
            *address.split("/"),
            method=verb,
            body="{}" if verb in ANY_BODY else None,
            headers=headers,
        )
    return caught.value.code, json.loads(caught.value.response.body)["code"]
