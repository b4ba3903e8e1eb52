"""What stands on the ``%%submit`` and ``%submit`` lines."""

from __future__ import annotations

import argparse
import difflib
from dataclasses import dataclass, field
from typing import NoReturn

from ..errors import InvalidInput
from ..notebooks.values import parse_parameters, split_top_level
from ..services.submission.request import PRUNERS, SAMPLERS, Request, checked_names, flags_of, request_of
from ..services.submission.words import owners_of_options, split_options
from .refusals import BadArguments

USAGE = (
    "%%submit [NAME] [-p NAME=VALUE | NAME=V1,V2 | NAME=loguniform(a,b)]... [--gpus N|0.5] [--gpu-memory 6G] "
    "[--cpus N] [--memory 8G] [--time 2h] [--on local,slurm,ray] [--slurm-NAME VALUE]... "
    "[--ray-NAME VALUE]... [--carry NAME,...] [--return NAME,...] [--trials N --goal maximize:METRIC] "
    "[--sampler tpe] [--pruner median] [--seed N] [--parallel N] [--priority N] [--retries N] "
    "[--retry-on memory,node] [--retry-delay 30s] [--after JOB]... [--after-any JOB]... "
    "[--cron '0 3 * * *'] [--timezone Europe/Berlin] [--catch-up latest|skip|all] [--overlap skip|allow] "
    "[--include GLOB]... [--exclude GLOB]... [--whole] [--dry-run] [--wait]"
)
NOTEBOOK_USAGE = "%submit NOTEBOOK.ipynb [--name NAME] [--write-parameters]"
PARAM_FLAGS = ("-p", "--param")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOptions:
    """``subject`` is the job's name for a cell, the notebook's path for the line magic."""

    subject: str | None = None
    request: Request = field(default_factory=Request)
    dry_run: bool = False
    wait: bool = False


def parse_submit(line: str, *, cell: bool) -> SubmitOptions:
    """Raises BadArguments, saying what is wrong and how it is written."""
    try:
        written = _joined(split_line(line))
        words, options = split_options(written, owners_of_options(written))
        given = _parser(cell).parse_args(words)
        request = request_of(
            name=given.subject if cell else given.name,
            params=parse_parameters(given.param),
            options=options,
            whole=cell and given.whole,
            carry=checked_names(tuple(given.carry), "--carry"),
            returns=checked_names(tuple(given.returns), "--return"),
            include=tuple(given.include),
            exclude=tuple(given.exclude),
            write_parameters=not cell and given.write_parameters,
            **flags_of(given),
        )
        if request.timing is not None and given.wait:
            raise BadArguments("--wait waits for a job, and a schedule has none yet: leave it out.")
        return SubmitOptions(subject=given.subject, request=request, dry_run=given.dry_run, wait=given.wait)
    except BadArguments:
        raise
    except InvalidInput as error:
        raise BadArguments(error.message) from error


def split_line(line: str) -> list[str]:
    """Words parted by blanks outside of quotes and brackets; quotes around a whole word are taken off,
    but not those of a ``NAME=VALUE``: they keep ``-p s='a,b'`` one value.
    """
    words = [word for word in split_top_level(line.strip(), " \t") if word]
    return [word[1:-1] if _is_quoted(word) else word for word in words]


def _is_quoted(word: str) -> bool:
    return len(word) > 1 and word[0] in "'\"" and word[-1] == word[0]


def _joined(words: list[str]) -> list[str]:
    """The words after ``-p`` up to the next flag as one: ``-p path=a b`` is a path with a blank."""
    joined: list[str] = []
    in_value = False
    for word in words:
        if word.startswith("-"):
            in_value = False
        if in_value and joined[-1] not in PARAM_FLAGS:
            joined[-1] += f" {word}"
        else:
            joined.append(word)
        in_value = in_value or word in PARAM_FLAGS
    return joined


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments: "):
            message += self._advice_on(message.split()[2])
        raise BadArguments(
            f"{self.prog}: {message}. Usage: {USAGE.replace('%%submit [NAME]', self.usage or '')}"
        )

    def _advice_on(self, word: str) -> str:
        if not word.startswith("-"):
            return " (a blank parts arguments: put quotes around a name, path or value that has one)"
        near = difflib.get_close_matches(word.partition("=")[0], self._option_string_actions, 1)
        return f" (did you mean {near[0]}?)" if near else ""


def _parser(cell: bool) -> _Parser:
    prog, usage = ("%%submit", "%%submit [NAME]") if cell else ("%submit", NOTEBOOK_USAGE)
    parser = _Parser(prog=prog, usage=usage, add_help=False, allow_abbrev=False)
    parser.add_argument("subject", nargs="?" if cell else None, metavar="NAME" if cell else "NOTEBOOK.ipynb")
    if not cell:
        parser.add_argument("--name")
        parser.add_argument("--write-parameters", action="store_true")
    parser.add_argument("--on", default="local", metavar="EXECUTOR,...")
    parser.add_argument("--gpus", default=0)
    parser.add_argument("--gpu-memory")
    parser.add_argument("--cpus", type=_count)
    parser.add_argument("--memory")
    parser.add_argument("--time")
    parser.add_argument("--priority", type=_whole, default=0)
    parser.add_argument("--retries", type=_count, default=0)
    parser.add_argument("--retry-on", action="append", default=[], metavar="FAILURE,...")
    parser.add_argument("--retry-delay", metavar="TIME")
    parser.add_argument("--after", action="append", default=[], metavar="JOB")
    parser.add_argument("--after-any", action="append", default=[], metavar="JOB")
    parser.add_argument("--cron", metavar="'0 3 * * *'")
    parser.add_argument("--timezone", metavar="Europe/Berlin")
    parser.add_argument("--catch-up", metavar="latest|skip|all")
    parser.add_argument("--overlap", metavar="skip|allow")
    parser.add_argument("-p", "--param", action="append", default=[], metavar="NAME=VALUE")
    if cell:
        parser.add_argument("--whole", action="store_true")
    parser.add_argument("--carry", action="append", default=[], metavar="NAME,...")
    parser.add_argument("--return", action="append", default=[], metavar="NAME,...", dest="returns")
    parser.add_argument("--include", action="append", default=[], metavar="GLOB")
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB")
    parser.add_argument("--trials", type=_count)
    parser.add_argument("--goal", metavar="maximize:METRIC")
    parser.add_argument("--sampler", metavar="|".join(SAMPLERS))
    parser.add_argument("--pruner", metavar="|".join(PRUNERS))
    parser.add_argument("--seed", type=_count)
    parser.add_argument("--parallel", type=_count)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--wait", action="store_true")
    return parser


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a whole number is needed, not {text!r}") from None


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"a whole number is needed, not {text!r}")
    return int(text)
