"""Jobs and sweeps as live cards in a notebook, as text elsewhere."""

from __future__ import annotations

from typing import Any

SHOWN = (("jupyter_mlops.api.jobs", "Job"), ("jupyter_mlops.api.sweeps", "Sweep"))
"""The classes of handles, by module and name: they need not be imported for this."""


def install(shell: Any) -> None:
    """Have this shell show jobs and sweeps as cards; nothing is imported until one is displayed.

    A shell without a kernel (a terminal) is left alone: there a job is its text.
    """
    if getattr(shell, "kernel", None) is None:
        return
    formatters = shell.display_formatter
    for module, name in SHOWN:
        formatters.ipython_display_formatter.for_type_by_name(module, name, _display)
        formatters.formatters["text/html"].for_type_by_name(module, name, _html)
        formatters.formatters["text/plain"].for_type_by_name(module, name, _text)


def uninstall(shell: Any) -> None:
    """Take back what :func:`install` did, if it did."""
    formatters = shell.display_formatter
    each = [
        formatters.ipython_display_formatter,
        *map(formatters.formatters.get, ("text/html", "text/plain")),
    ]
    for formatter in each:
        for module, name in SHOWN:
            formatter.pop(f"{module}.{name}", None)


def _display(handle: Any) -> None:
    """A live card. NotImplementedError makes IPython go on to the HTML and the text."""
    from .cards import show

    if not show(handle):
        raise NotImplementedError


def _html(handle: Any) -> str:
    from .cards import looking_at

    return looking_at(handle)().html


def _text(handle: Any, printer: Any, cycle: bool) -> None:
    from .cards import looking_at

    printer.text(looking_at(handle)().text)
