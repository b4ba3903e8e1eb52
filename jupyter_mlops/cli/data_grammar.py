"""The commands that look into datasets, and their flags."""

from __future__ import annotations

from .commands import PROGRAM, Commands


def add(commands: Commands) -> None:
    profile = commands.add(
        "profile",
        "data.profile",
        "show what a dataset version is like",
        example=f"{PROGRAM} profile train@3",
        more="""\
            Columns of a table: type, missing and distinct values, ends, quantiles, histograms, common values;
            of a folder: its files, images and texts. It is computed once a content, in the background; else
            now. With --no-wait only what is known is shown.""",
    )
    profile.add_argument("reference", metavar="REF", help="a dataset version: train, train@3, train@stable")
    profile.add_argument("--no-wait", action="store_true", help="do not wait for one that is not there yet")
    diff = commands.add(
        "diff",
        "data.diff",
        "show what differs between two dataset versions",
        example=f"{PROGRAM} diff train@1 train@2 --keys id",
        more="""\
            Columns, rows, and how far the values of each column have moved: the population stability index
            (PSI) and the Kolmogorov-Smirnov statistic (KS). With --keys also the rows that were added,
            removed or changed. Of folders: their files.""",
    )
    diff.add_argument("before", metavar="A", help="a dataset version")
    diff.add_argument("after", metavar="B", help="another")
    diff.add_argument("--keys", metavar="COL[,COL]", help="the columns that tell a row from all others")
    check = commands.add(
        "check",
        "data.check",
        "look whether a dataset version is as its dataset is expected to be",
        example=f"{PROGRAM} check train@3",
        more="Exit status 1 when something is not.",
    )
    check.add_argument("reference", metavar="REF", help="a dataset version")
    _add_expect(commands)


def _add_expect(commands: Commands) -> None:
    expect = commands.add(
        "expect",
        "data.expect",
        "list what a dataset must be like, or say it",
        example=f"{PROGRAM} expect train --not-null id --between age=0..120 --one-of sex=f,m --rows 1000..",
        more="""\
            Without flags: what is expected. It
            is looked at when a version is registered or loaded, which is refused, or with --warn warned of,
            where it is not so. A name such as "not_null: id" tells an expectation: saying it anew
            replaces it.""",
    )
    expect.add_argument("name", metavar="NAME", help="the dataset")
    flags = {
        "--columns": ("COL[,COL]", "columns that must be there"),
        "--type": ("COL=TYPE", "Arrow's name of its type, or integer, real, number, text, boolean, time"),
        "--not-null": ("COL", "it has a value in every row"),
        "--unique": ("COL[,COL]", "no value twice; of several columns together"),
        "--between": ("COL=MIN..MAX", "the ends belong to it; either may be left out"),
        "--one-of": ("COL=A,B", "the values that there may be"),
        "--matches": ("COL=REGEX", "a regular expression of the whole value"),
        "--remove": ("NAME", "take back an expectation by its name"),
        "--new-column": ("COL[,COL]", "one that no version has yet, so that it is not taken for a typo"),
    }
    for flag, (metavar, help) in flags.items():
        expect.add_argument(flag, action="append", default=[], metavar=metavar, help=help)
    expect.add_argument("--rows", metavar="MIN..MAX", help="how many rows there must be")
    expect.add_argument("--files", metavar="MIN..MAX", help="how many files there must be, in a folder")
    expect.add_argument("--warn", action="store_true", help="warn, and do not refuse")
