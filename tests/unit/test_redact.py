"""Secrets never reach a journal, and what only looks a little like one does."""

from __future__ import annotations

import pytest

from jupyter_mlops.capture.redact import (
    REDACTED,
    known_secrets,
    redact,
    redact_diff,
    redact_source,
    redact_text,
)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "DB_PASSWORD",
        "apiKey",
        "aws_secret_access_key",
        "OPENAI_API_KEY",
        "hf_token",
        "client_secret",
    ],
)
def test_a_text_under_a_secret_name_is_redacted(name):
    assert redact(name, "hunter2") == REDACTED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", 512),
        ("token", 17),
        ("n_tokens", "many"),
        ("tokenizer", "bert-base"),
        ("key", "value"),
        ("monkey", "george"),
        ("lr", 0.1),
        ("keyboard", "de"),
        ("author", "me"),
        ("password", ""),
        ("use_auth", True),
    ],
)
def test_ordinary_params_stay(name, value):
    assert redact(name, value) == value


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1" * 18,
        "github_pat_" + "a1" * 20,
        "sk-" + "a1b2" * 8,
        "hf_" + "aB3" * 10,
        "xoxb-1234567890-abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_a_secret_is_known_by_its_shape(secret):
    assert redact_text(f"before {secret} after") == f"before {REDACTED} after"


def test_a_password_in_a_url_is_redacted_and_the_rest_stays():
    url = "postgresql://me:hunter2@db.example.org:5432/x"
    assert redact("database", url) == f"postgresql://me:{REDACTED}@db.example.org:5432/x"
    assert redact("page", "https://example.org:8080/a@b") == "https://example.org:8080/a@b"


def test_nested_values_are_looked_into():
    config = {"db": {"password": "x", "host": "h"}, "urls": ["http://u:p@h/"]}
    assert redact("config", config) == {
        "db": {"password": REDACTED, "host": "h"},
        "urls": [f"http://u:{REDACTED}@h/"],
    }


def test_source_keeps_its_code_and_loses_its_secrets():
    source = (
        'api_key = "abcdef"\nconnect(password=\'x y\', user="me")\nos.environ["DB_PASSWORD"] = "z"\n'
        'headers = {"Authorization": "Basic abc"}\nif token == "end":\n    max_tokens = 5\n'
    )
    assert redact_source(source) == (
        f'api_key = "{REDACTED}"\nconnect(password=\'{REDACTED}\', user="me")\n'
        f'os.environ["DB_PASSWORD"] = "{REDACTED}"\nheaders = {{"Authorization": "{REDACTED}"}}\n'
        'if token == "end":\n    max_tokens = 5\n'
    )


@pytest.mark.parametrize(
    "code",
    [
        'api_key: str = "SECRET"',
        "connect(password='''SECRET''')",
        'connect(token=f"SECRET")',
        'password, user = "SECRET", "me"',
        'secret = ("SECRET",)',
        'headers = {"X-Api-Key": b"SECRET"}',
        'os.environ.setdefault("API_KEY", "SECRET")',
        'def connect(host="h", *, password="SECRET"): ...',
        'client.password = given or "SECRET"',
        "%env DB_PASSWORD=SECRET",
        "%set_env DB_PASSWORD SECRET",
        "!train --api-key SECRET",
        "!curl -H 'Authorization: Basic SECRET'",
        'url = "https://SECRET@github.com/me/it"',
    ],
)
def test_source_loses_a_secret_however_it_is_given(code):
    secret = "hunter2hunter2hunter2"
    assert redact_source(code.replace("SECRET", secret)) == code.replace("SECRET", REDACTED)


def test_what_names_a_secret_and_is_none_stays_in_the_source():
    code = 'key = os.environ["SECRET_KEY"]\nframe[["token", "lemma"]]\ntest = "test"\nprint("password", 1)'
    assert redact_source(code) == code


def test_a_diff_loses_the_secrets_of_its_lines():
    patch = '-password = "old"\n+password = "new"\n+lr = "x"\n'
    assert redact_diff(patch) == f'-password = "{REDACTED}"\n+password = "{REDACTED}"\n+lr = "x"\n'


def test_only_peculiar_secrets_are_known_again_elsewhere():
    code = 'password = "hunter2hunter2"\ntoken = "<|endoftext|>"\nurl = "http://me:s3cret-s3cret@h/"\n%env API_KEY=abc123abc123'
    assert known_secrets(code) == {"hunter2hunter2", "s3cret-s3cret", "abc123abc123"}


def test_a_long_line_costs_little():
    assert redact_source("token" + "z" * 300_000) == "token" + "z" * 300_000
