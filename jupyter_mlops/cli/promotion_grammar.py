"""The commands that decide which version has an alias, and their flags."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError

from .commands import PROGRAM, Commands
from .numbers import positive

CHAMPION = "champion"
ROLES = ("viewer", "contributor", "approver", "admin")


def add(commands: Commands) -> None:
    _add_moves(commands)
    _add_review(commands)
    _add_gates(commands)
    card = commands.add(
        "card",
        "promotion.card",
        "print a model version's card as Markdown, or replace what people wrote on it",
        example=f"{PROGRAM} card digits@champion --edit card.md",
        more="""\
            Its facts are made from the lineage whenever it is read; what stands above and below them is
            yours. To change it: card REF > card.md, edit card.md, card REF --edit card.md.""",
    )
    card.add_argument("ref", metavar="REF", help="such as digits@7 or digits@champion")
    card.add_argument("--edit", metavar="FILE", help="take its text from FILE; - is the standard input")


def _add_moves(commands: Commands) -> None:
    promote = commands.add(
        "promote",
        "promotion.promote",
        "point an alias of a model at a version, where roles and gates allow it",
        example=f'{PROGRAM} promote digits@7 --reason "better on night shifts"',
        more="""\
            A refusal says why, and is in the audit trail as every move is: see review. An alias that is
            nearly the same as another, as if misspelt, is made only with --new.""",
    )
    _add_version(promote)
    _add_alias(promote, default=None)
    promote.add_argument("--new", action="store_true", help="make an alias that looks like another one")
    promote.add_argument("--dataset", action="store_true", help="NAME is a dataset")
    promote.add_argument("--delete", action="store_true", help="take the alias away; the version stays")
    rollback = commands.add(
        "rollback",
        "promotion.rollback",
        "point an alias at the version that it had before",
        example=f'{PROGRAM} rollback digits --reason "wrong on night shifts"',
        more="No gate is asked. Once more goes further back.",
    )
    rollback.add_argument("name", metavar="NAME", help="the model: digits, or digits@champion")
    _add_alias(rollback, default=None)
    rollback.add_argument("--dataset", action="store_true", help="NAME is a dataset")


def _add_review(commands: Commands) -> None:
    review = commands.add(
        "review",
        "promotion.review",
        "show what would change if an alias moved to a version, and whether it may",
        example=f"{PROGRAM} review digits@7",
        more="""\
            Against the version that has the alias: gates, approvals, metrics, packages, data, code.
            Exit status 1 when a gate refuses it.""",
    )
    approve = commands.add(
        "approve",
        "promotion.approve",
        "say that a model version may have an alias",
        example=f'{PROGRAM} approve digits@7 --reason "looked at the errors"',
        more="Nobody approves what he registered himself.",
    )
    reject = commands.add(
        "reject",
        "promotion.reject",
        "say that a model version may not have an alias",
        example=f'{PROGRAM} reject digits@7 --reason "trained on the test set"',
        more="No approval of others helps until it is withdrawn: approve digits@7 --withdraw.",
    )
    for parser in (review, approve, reject):
        _add_version(parser)
        _add_alias(parser, reason=parser is not review)
    approve.add_argument("--withdraw", action="store_true", help="take back what you said of it before")


def _add_gates(commands: Commands) -> None:
    gates = commands.add(
        "gates",
        "promotion.gates",
        "show, or set, what must hold before an alias of a model may move",
        example=f"{PROGRAM} gates digits --minimum accuracy=0.9 --better loss=lower --approvals 1",
        more="""\
            What is given replaces the gates that there were. --better compares with the version that has
            the alias, on the same dataset versions: METRIC (higher), METRIC=lower, METRIC=0.01 (higher by
            more than that) or METRIC=lower,0.01; of a loss or an error it has to be said which. --clear takes
            all gates of the alias away.""",
    )
    gates.add_argument("name", metavar="NAME", help="the model: digits, or digits@champion")
    gates.add_argument("--alias", metavar="ALIAS", help="default: all to show, champion to set")
    for bound in ("minimum", "maximum"):
        gates.add_argument(
            f"--{bound}",
            type=_bound,
            action="append",
            default=[],
            metavar="METRIC=NUMBER",
            help=f"the {bound} of a metric, repeatable",
        )
    gates.add_argument(
        "--better",
        type=_better,
        action="append",
        default=[],
        metavar="METRIC[=HOW]",
        help="must be better than the holder's, repeatable",
    )
    gates.add_argument("--on", default="", metavar="DATASET", help="of which both must have read one version")
    gates.add_argument(
        "--expectations",
        nargs="?",
        const="",
        action="append",
        metavar="DATASET",
        help="must hold of the data that it was made from, or of DATASET",
    )
    gates.add_argument("--approvals", type=positive, metavar="N", help="by so many other users")
    gates.add_argument(
        "--role", choices=ROLES, default="approver", help="that they need at least (default: approver)"
    )
    gates.add_argument(
        "--new-metric",
        action="append",
        default=[],
        metavar="METRIC",
        help="one that no version has yet, so that it is not taken for a typo",
    )
    gates.add_argument("--new", action="store_true", help="of an alias that looks like another one")
    gates.add_argument("--clear", action="store_true", help="take all gates of the alias away")
    gates.add_argument("--reason", default="", metavar="TEXT", help="for the audit trail")


def _add_version(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the version: digits@7, digits@challenger; or the model")
    parser.add_argument("version", metavar="VERSION", nargs="?", type=_version, help="of NAME without one")


def _add_alias(parser: ArgumentParser, *, reason: bool = True, default: str | None = CHAMPION) -> None:
    parser.add_argument("--alias", default=default, metavar="ALIAS", help="default: champion")
    if reason:
        parser.add_argument("--reason", default="", metavar="TEXT", help="for the audit trail")


def _version(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _bound(text: str) -> tuple[str, float]:
    metric, _, number = text.rpartition("=")
    try:
        return metric, float(number)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not METRIC=NUMBER, such as accuracy=0.9") from None


def _better(text: str) -> tuple[str, object]:
    """``loss=lower,0.01`` as ``gates_of`` takes it."""
    metric, equals, how = text.rpartition("=")
    if not equals:
        return text, None
    word, comma, by = how.partition(",")
    try:
        return (metric, (word, float(by))) if comma else (metric, float(word))
    except ValueError:
        return metric, word
