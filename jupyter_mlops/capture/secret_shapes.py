"""Secrets known by their shape: tokens with a provider's prefix, private keys, credentials in addresses.

One expression finds them all. Each of its branches begins with a character that is rare in what programs
print (``_`` of ``hf_...``, ``J`` of ``eyJ...``) and looks back from there: so most of a text is passed over
in the quick loop of the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .secret_names import is_peculiar, is_secret_given, is_secret_name

REDACTED = "[redacted]"
MOST_PASSES = 8

Span = tuple[int, int]

_OF_URL = r"""[^\s/:@?\#'"<>]{0,256}:
    (?!\{[^}@]*\}@|\$|%[s(]|<|\*+@)             # no placeholder: {password}, $PASSWORD, %s, <password>, ***
    (?P<url_password>[^\s/@'"<>]{1,512})@"""

# a group's number is where the secret begins, from the group's own begin: the branch began behind it.
# what ends with (?![A-Za-z0-9+/=]) is not found inside of base64, as in pictures
_SHAPES = rf"""
      _(?=[A-Za-z0-9_]{{16}})(?:
        (?P<github_4>(?<=gh[pousr]_)(?<![A-Za-z0-9_]gh[pousr]_)[A-Za-z0-9]{{20,255}})
      | (?P<github_11>(?<=github_pat_)[A-Za-z0-9_]{{20,255}})
      | (?P<huggingface_3>(?<=hf_)(?<![A-Za-z0-9_]hf_)[A-Za-z0-9]{{20,255}})
      | (?P<npm_4>(?<=npm_)(?<![A-Za-z0-9_]npm_)[A-Za-z0-9]{{30,255}})
      | (?P<stripe_3>(?<=[srp]k_)(?<![A-Za-z0-9][srp]k_)(?:live|test)_[A-Za-z0-9]{{16,255}})
      | (?P<stripe_6>(?<=whsec_)[A-Za-z0-9+/=]{{20,255}}))
    | -(?=[A-Za-z0-9_-]{{9}})(?:
        (?P<pem_1>----BEGIN\ [A-Z0-9\ ]{{0,40}}PRIVATE\ KEY(?:\ BLOCK)?-----
          .*?(?:-----END\ [A-Z0-9\ ]{{0,40}}PRIVATE\ KEY(?:\ BLOCK)?-----|\Z))
        # OpenAI and others; with three digits, as scikit-learn's HTML has classes like sk-toggleable__label
      | (?P<openai_3>(?<=sk-)(?<![\w-]sk-)(?=(?:[A-Za-z_-]*[0-9]){{3}})[A-Za-z0-9_-]{{20,512}})
      | (?P<slack_5>(?<=xox[abeoprs]-)[A-Za-z0-9-]{{10,255}})
      | (?P<gitlab_6>(?<=glpat-)[A-Za-z0-9_-]{{20,255}})
      | (?P<gitlab_5>(?<=gl[dr]t-)[A-Za-z0-9_-]{{20,255}})
      | (?P<pypi_5>(?<=pypi-)[A-Za-z0-9_-]{{40,512}})
      | (?P<google_7>(?<=GOCSPX-)[A-Za-z0-9_-]{{20,255}}))
    | A(?:
        (?P<aws_1>(?<![A-Za-z0-9_]A)(?:KIA|SIA)[0-9A-Z]{{16}})(?![A-Za-z0-9+/=])
      | (?P<google_1>(?<![A-Za-z0-9_]A)Iza[A-Za-z0-9_-]{{35}})(?![\w+/=-]))
    | J(?P<jwt_3>(?<=eyJ)(?<![A-Za-z0-9_]eyJ)
        [A-Za-z0-9_-]{{8,8192}}\.eyJ[A-Za-z0-9_-]{{8,8192}}\.[A-Za-z0-9_-]{{0,8192}})
    | B(?:earer\ (?P<bearer_0>[A-Za-z0-9._~+/=-]{{16,8192}})|asic\ (?P<basic_0>[A-Za-z0-9+/=]{{8,8192}}))
    | \.(?:(?P<google_5>(?<=ya29\.)[A-Za-z0-9_-]{{20,1024}})
      | slack\.com/services/(?P<slack_0>[A-Za-z0-9/]{{20,255}}))
    | =(?<=[yYdD]=)(?:
        (?P<azure_0>(?<=AccountKey=)[A-Za-z0-9+/=]{{40,}})
      | (?P<azure2_0>(?<=AccessKey=)[A-Za-z0-9+/=]{{20,}})
        # of connection strings: host=h user=u password=..., Server=h;Uid=u;Pwd=...;
      | (?P<database_0>(?:(?<=[sS][wW][oO][rR][dD]=)|(?<=\b[pP][wW][dD]=))
          [^\s;'"(),\[\]{{}}&<>$%*=][^\s;'"(),\[\]{{}}&<>=]{{2,255}})(?=[\s;'"]|\Z))
    | ://(?:{_OF_URL.replace("url_password", "url_0")}
      | (?P<token_0>(?=[A-Za-z0-9_.~%-]*[0-9])[A-Za-z0-9_.~%-]{{16,512}})@)
    """
_MARKS = (
    "://", "-----BEGIN ", "AKIA", "ASIA", "AIza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_",
    "glpat-", "gldt-", "glrt-", "hf_", "npm_", "pypi-", "sk-", "k_live_", "k_test_", "whsec_", "xox", "ya29.",
    "GOCSPX-", "eyJ", ".slack.com/", "Bearer ", "Basic ", "AccountKey=", "AccessKey=", "word=", "WORD=",
    "wd=", "WD=",
)  # fmt: skip
"""One of these is in each of the shapes."""
_SHORT = 20_000
"""So short a text is looked at for marks first: mostly the expression is not even compiled."""
_LOOK_BACK = 40
_ADDRESS = re.compile(r"[^\s'\"<>\\]{1,4096}")
_GIVEN_IN_ADDRESS = re.compile(r"[?&;](?P<name>[A-Za-z][A-Za-z0-9_.-]{0,60})=(?P<secret>[^&;#\s]{8,})")
_SIGNATURES = {
    "sig",
    "signature",
    "x-amz-signature",
    "x-amz-security-token",
    "x-goog-signature",
    "awsaccesskeyid",
}
_NAMES = ("passw", "secret", "_key", "apikey", "credential", "token", "passphrase")
_GIVEN = re.compile(r"""[:=]>?\s{0,3}[bru]?\\?['"](?P<secret>[^'"\s\\]{8,512})\\?['"]""")
_NAME_BEFORE = re.compile(r"""(?<![\w])(?P<name>[A-Za-z_][\w-]{0,100})\\?['"]?\s{0,3}\Z""")


def without_shapes(text: str, *, code: bool = False) -> str:
    """The text without what has the shape of a secret; in ``code`` names are variables, and stay."""
    for _ in range(MOST_PASSES):
        shown = _without_spans(text, list(_spans(text, code=code)))
        if shown == text:
            break
        text = shown  # what stood beside a secret may be one, now that it stands alone
    return text


def _without_spans(text: str, found: list[Span]) -> str:
    if not found:
        return text
    parts, at = [], 0
    for begin, end in sorted(found):
        if end <= at:
            continue
        parts += [text[at:begin], REDACTED] if begin >= at else []
        at = end
    return "".join([*parts, text[at:]])


def url_passwords(text: str) -> Iterator[str]:
    """The passwords in addresses."""
    if "://" in text:
        yield from (match["url_password"] for match in _compiled("://" + _OF_URL).finditer(text))


def _spans(text: str, *, code: bool) -> Iterator[Span]:
    if len(text) > _SHORT or any(mark in text for mark in _MARKS):
        yield from _shapes(text, code=code)
    if "://" in text:
        yield from _in_addresses(text)
    if not code and ("'" in text or '"' in text):
        yield from _given_in(text)


@lru_cache(maxsize=4)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.VERBOSE | re.DOTALL)


def _shapes(text: str, *, code: bool) -> Iterator[Span]:
    for match in _compiled(_SHAPES).finditer(text):
        kind = match.lastgroup or ""
        sort, _, before = kind.partition("_")
        begin, end = match.span(kind)
        if sort == "database" and code and not text.startswith(";", end):
            continue  # password=password
        if sort == "basic" and "authorization" not in text[max(0, begin - _LOOK_BACK) : begin].lower():
            continue
        yield begin - int(before), end


def _in_addresses(text: str) -> Iterator[Span]:
    """Signatures and keys that an address carries in its query."""
    for at in _places("://", text):
        address = _ADDRESS.match(text, at + 3)
        if address is None or not ("?" in address[0] or "&" in address[0]):
            continue
        for match in _GIVEN_IN_ADDRESS.finditer(text, address.start(), address.end()):
            name = match["name"]
            keyed = is_secret_name(name) or name.lower() in ("key", "code")
            if name.lower() in _SIGNATURES or (keyed and is_peculiar(match["secret"])):
                yield match.span("secret")


def _given_in(text: str) -> Iterator[Span]:
    """Quoted texts that a printed mapping, a traceback or a configuration gives to a secret name.

    Only peculiar ones: tables of words and tokens are printed more often than passwords.
    """
    lowered = text.lower()
    if not any(name in lowered for name in _NAMES):
        return
    for match in _GIVEN.finditer(text):
        if not is_peculiar(match["secret"]):
            continue
        before = _NAME_BEFORE.search(text[max(0, match.start() - 110) : match.start()])
        if before is not None and is_secret_given(before["name"], match["secret"]):
            yield match.span("secret")


def _places(mark: str, text: str) -> Iterator[int]:
    at = text.find(mark)
    while at >= 0:
        yield at
        at = text.find(mark, at + len(mark))
