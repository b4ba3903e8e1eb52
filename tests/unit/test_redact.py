"""Secrets never reach a journal, and what only looks a little like one does."""

from __future__ import annotations

import base64
import hashlib
import timeit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.capture.redact import (
    REDACTED,
    known_secrets,
    redact,
    redact_diff,
    redact_shapes,
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
        "db_pass",
        "github_creds",
        "license_key",
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
        ("token_count", 3),
        ("password_field", "pwd"),
        ("api_key_env", "OPENAI_API_KEY"),
        ("secret_name", "prod/db"),
        ("high_pass", "butter"),
        ("pad_token", "[PAD]"),
        ("eos_token", "</s>"),
        ("token", "<|endoftext|>"),
        ("PWD", "/home/me"),
        ("primary_key", "id"),
        ("digest", "af94845ed7e485eec3fa9b6087ed4fc46f0fddd710790060bcc7b6e905bfba8a"),
        ("run", "01JD3V8Q5N7Z9X2M4K6P8R0T1W"),
    ],
)
def test_ordinary_params_stay(name, value):
    assert redact(name, value) == value


ALNUM = "a1B2c3D4e5F6g7H8i9J0" * 3

SHAPES = {
    "AWS access key": "AKIAIOSFODNN7EXAMPLE",
    "AWS session key": "ASIAIOSFODNN7EXAMPLE",
    "GitHub token": "ghp_" + "a1" * 18,
    "GitHub fine-grained token": "github_pat_" + "a1" * 20,
    "GitLab token": "glpat-" + ALNUM[:20],
    "GitLab deploy token": "gldt-" + ALNUM[:20],
    "Hugging Face token": "hf_" + "aB3" * 10,
    "npm token": "npm_" + ALNUM[:36],
    "PyPI token": "pypi-" + ALNUM,
    "OpenAI key": "sk-" + "a1b2" * 8,
    "OpenAI project key": "sk-proj-" + ALNUM,
    "Anthropic key": "sk-ant-api03-" + ALNUM,
    "Stripe key": "sk_live_" + ALNUM[:24],
    "Stripe restricted key": "rk_test_" + ALNUM[:24],
    "Slack token": "xoxb-1234567890-abcdef",
    "Google API key": "AIza" + ALNUM[:35],
    "Google OAuth token": "ya29." + ALNUM,
    "Google client secret": "GOCSPX-" + ALNUM[:28],
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "OpenSSH key": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----",
    "PGP key": "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQ\n-----END PGP PRIVATE KEY BLOCK-----",
}


@pytest.mark.parametrize("secret", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("text", ["before {} after", "{}", "key={}", "'{}'", '{{"x": "{}"}}', "a\n{}\nb"])
def test_a_secret_is_known_by_its_shape(secret, text):
    assert redact_text(text.format(secret)) == text.format(REDACTED)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer SECRET",
        "authorization: basic SECRET".replace("basic", "Basic"),
        "{'Authorization': 'Basic SECRET'}",
        "https://hooks.slack.com/services/SECRET",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=SECRET==;EndpointSuffix=x".replace("==", ""),
        "Endpoint=sb://a.servicebus.windows.net/;SharedAccessKey=SECRET",
        "postgresql://me:SECRET@db.example.org:5432/x",
        "redis://:SECRET@cache:6379/0",
        "mongodb+srv://me:SECRET@cluster0.example.net/?retryWrites=true",
        "https://SECRET@github.com/me/it.git",
        "host=h user=u password=SECRET dbname=d",
        "Server=h;Uid=u;Pwd=SECRET;",
        "https://a.blob.core.windows.net/c/b?sv=2024-01-01&sig=SECRET",
        "https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature=SECRET&x=1",
        "https://api.example.org/v1?key=SECRET",
        "environ({'HOME': '/root', 'DB_PASSWORD': 'SECRET'})",
        '{"client_secret": "SECRET", "n": 1}',
        "ValueError: cannot connect with api_key='SECRET'",
        'api_key = "SECRET"',
    ],
)
def test_a_secret_is_known_by_what_stands_around_it(text):
    secret = "hunter2" * 6
    assert redact_text(text.replace("SECRET", secret)) == text.replace("SECRET", REDACTED)


PICTURE = base64.b64encode(hashlib.blake2b(b"picture").digest() * 4000).decode()


@pytest.mark.parametrize(
    "text",
    [
        "epoch 3: loss=0.31 acc=0.9 lr=1e-3 [00:12<00:33, 12.3it/s]",
        "max_tokens=100 tokenizer='bert-base-uncased' token_count=12",
        "{'token': 'the', 'lemma': 'the', 'token_id': 17}",
        "commit 8e1afd7fab33c5ac236a260c7396fb6acf349acb",
        "digest af94845ed7e485eec3fa9b6087ed4fc46f0fddd710790060bcc7b6e905bfba8a",
        "run 3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        '<div class="sk-toggleable__content sk-estimator-doc-link fitted sk-item-container-99">',
        "import hf_hub_download_from_the_hub_with_progress, ghp_page, sk_learn_live_test",
        "see https://example.org:8080/a@b and http://[::1]:80/x?page=2&sort=name",
        "f'postgresql://{user}:{password}@{host}/x' and redis://:$REDIS_PASSWORD@h and a://u:***@h",
        "connect(password=getpass()), password=None, password=pw)",
        "Basic Information12345 about the Bearer of bad news",
        "----------------------------------------",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "dtype: object\nThe password is too short\npassword: required\ntoken: str",
        "{'secret_santa': 'grandmother', 'password': 'object', 'author': 'me'}",
        f'<img src="data:image/png;base64,{PICTURE}">',
        PICTURE,
    ],
)
def test_what_only_looks_a_little_like_a_secret_stays(text):
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "code",
    [
        "connect(\n    host=host,\n    password=password\n)",
        "tokenizer = 'bert'\nmax_tokens = 100\ntokenizer.pad_token = '[PAD]'\ntoken_count = 1",
        "df = df.rename(columns={'password_column': 'pwd'})\nkey = 'value'",
        "url = f'postgresql://{user}:{password}@{host}/x'",
        "api_key = os.environ['API_KEY']\npassword = getpass.getpass('Password: ')",
        "auth = requests.auth.HTTPBasicAuth(user, password)",
    ],
)
def test_code_without_secrets_stays(code):
    assert redact_source(code) == code


PIECES = st.sampled_from(
    [
        *SHAPES.values(),
        "password",
        "api_key",
        "token",
        "=",
        ": ",
        "'",
        '"',
        "://",
        "@",
        "me:",
        "?sig=",
        "&",
        ";",
        *[
            "\n",
            " ",
            "Bearer ",
            "Authorization: Basic ",
            "%env ",
            "{",
            "}",
            "(",
            ")",
            REDACTED,
            "hunter2hunter2",
        ],
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join)


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_what_was_redacted_stays_as_it_is(text):
    for take_out in (redact_text, redact_source, redact_diff):
        once = take_out(text)
        assert take_out(once) == once


@given(
    st.text(),
    st.recursive(
        st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    ),
)
def test_any_value_can_be_redacted(name, value):
    redact(name, value)
    redact_shapes(value)


def test_redacting_keeps_up_with_what_programs_print():
    line = "epoch 3 step 17 loss=0.31 acc=0.9 lr=1e-3 [00:12<00:33, 12.3it/s] model_name=resnet_50 https://a.b/c\n"
    text = line * 20_000
    spent = min(timeit.repeat(lambda: redact_text(text), number=1, repeat=3))
    plain = min(timeit.repeat(lambda: text.encode().decode().lower().split(), number=1, repeat=3))
    assert spent < 20 * plain


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
