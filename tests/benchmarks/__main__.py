"""``python -m tests.benchmarks [NAME...] [--json | --markdown] [--peers PYTHON]``"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence

from . import (
    cells,
    datasets,
    features,
    index,
    jobs,
    log,
    peers,
    points,
    profiles,
    queue,
    reads,
    sampling,
    slicing,
)
from .figures import Benchmark, Figure
from .report import as_json, machine, markdown, print_row

BENCHMARKS: dict[str, Benchmark] = {
    **log.BENCHMARKS,
    **cells.BENCHMARKS,
    **points.BENCHMARKS,
    **index.BENCHMARKS,
    **reads.BENCHMARKS,
    **datasets.BENCHMARKS,
    **profiles.BENCHMARKS,
    **sampling.BENCHMARKS,
    **slicing.BENCHMARKS,
    **features.BENCHMARKS,
    **jobs.BENCHMARKS,
    **queue.BENCHMARKS,
    "peers": peers.measured,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _parser()
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(BENCHMARKS)):
        parser.error(f"no benchmark {', '.join(unknown)}: there are {', '.join(BENCHMARKS)}")
    if options.peers:
        os.environ[peers.VARIABLE] = options.peers
    figures = list(_measured(options.names or list(BENCHMARKS), quiet=options.json or options.markdown))
    if options.json:
        print(json.dumps(as_json(figures), indent=2))
    elif options.markdown:
        print(markdown(figures))
    sys.exit(1 if options.strict and any(figure.met is False for figure in figures) else 0)


def _measured(names: Sequence[str], *, quiet: bool) -> Iterator[Figure]:
    if not quiet:
        print(machine(), flush=True)
    for name in names:
        for figure in BENCHMARKS[name]():
            if not quiet:
                print_row(figure)
            yield figure


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure this package.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print JSON")
    shape.add_argument("--markdown", action="store_true", help="print the README's table")
    parser.add_argument("--strict", action="store_true", help="fail when a goal is missed")
    parser.add_argument(
        "--peers",
        metavar="PYTHON",
        help=f"the interpreter of an environment with peers (or {peers.VARIABLE})",
    )
    return parser


if __name__ == "__main__":
    main()
