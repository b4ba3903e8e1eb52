"""The parser of one command: it says what an unknown flag may have been meant to be."""

from __future__ import annotations

import difflib
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any


class CommandParser(ArgumentParser):
    """As argparse's own; with ``takes_options`` it takes those of executors: ``--slurm-partition``."""

    takes_options = False

    @property
    def flags(self) -> list[str]:
        """The long names of the flags."""
        return [flag for flag in self._option_string_actions if flag.startswith("--")]

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        words, options = self._split(list(args or ()))
        found, unknown = super().parse_known_args(words, namespace)
        if self.takes_options:
            found.options = options
        self._refuse(unknown)
        return found, unknown

    def _split(self, words: Sequence[str]) -> tuple[list[str], dict[str, dict[str, str]]]:
        if not self.takes_options:
            return list(words), {}
        from ..services.submission.words import owners_of_options, split_options

        return split_options(words, owners_of_options(words))

    def _refuse(self, unknown: Sequence[str]) -> None:
        flags = [word for word in unknown if word.startswith("-")]
        if not flags:
            return
        near = difflib.get_close_matches(flags[0].partition("=")[0], self._option_string_actions, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
