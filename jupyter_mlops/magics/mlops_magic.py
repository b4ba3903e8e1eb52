"""``%mlops``: look at runs, jobs, sweeps, schedules, datasets and models from a cell."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from ..services.quantities import counted
from .refusals import BadArguments, without_traceback

if TYPE_CHECKING:
    from ..workspace import Workspace

HELP = """\
%mlops                       the newest runs and the jobs that are not over
%mlops runs [FILTER]         runs, newest first: %mlops runs metrics.acc > 0.9 and params.lr < 0.01
%mlops jobs [STATUS]         batch jobs, newest first
%mlops sweeps [STATUS]       sweeps, newest first, each with its best trial
%mlops schedules             jobs that are queued again and again, each with its next run
%mlops schedules pause|resume|run|delete ID
%mlops usage [BY]            what jobs used in a week, by user, notebook, executor or day
%mlops gpus [users]          who has which GPU of this machine; what each user has had, and may have
%mlops datasets | models     what is registered; %mlops datasets train shows all versions of one
%mlops register DATA --name NAME
                             register a file or folder as a dataset
%mlops edit KIND:REF         change a description or tags: %mlops edit model:digits@7 --tag team=vision
%mlops profile REF           what a dataset version is like: %mlops profile train@2
%mlops diff A B [--keys COL] what differs between two dataset versions: %mlops diff train@1 train@2
%mlops check REF             whether a dataset version is as it is expected to be
%mlops expect NAME [FLAGS]   what a dataset must be like, or say it: %mlops expect train --not-null id
%mlops features [NAME]       feature views, with what they gave last
%mlops materialize VIEW      compute a feature view from its source: %mlops materialize rides --online
%mlops lineage REF           where it comes from and what it led to: %mlops lineage digits@champion --up
%mlops impact REF            all that would have to be looked at again if it were bad: %mlops impact train@2
%mlops audit [SUBJECT]       the newest decisions, or those on model:digits@champion, job:ID, ...
%mlops review REF            what would change if it became the champion, and whether it may
%mlops promote REF           point an alias at a version: %mlops promote digits@7 --alias champion
%mlops rollback NAME         point an alias at the version that it had before
%mlops approve | reject REF  say that a version may become the champion, or may not
%mlops gates NAME [FLAGS]    what must hold before an alias of a model may move, or say it
%mlops card REF              the model card of digits@7 or digits@champion
%mlops show ID               all of a run, a job, a sweep or a schedule; the end of an id is enough
%mlops compare ID ID [ID]... what differs between two runs, or among more
%mlops replay ID             all that a run displayed, as it was
%mlops reproduce ID          make a run again as a job, wait, and compare its metrics
%mlops logs ID               what a job has printed, or a run displayed, as text
%mlops cancel ID             ask a job or a sweep to end
%mlops replay                until the next %%track, record nothing (the first line of a job's notebook)
%mlops help                  this text

Track a cell:      %%track [NAME] [-e EXPERIMENT] [-p NAME[=VALUE]]... [-m NAME]... [-t KEY=VALUE]...
Run it as a job:   %%submit [NAME] [--gpus N] [-p NAME=VALUE]... [--cron '0 3 * * *']
Add --json to runs, jobs, sweeps, schedules, usage, gpus, datasets, models, features, show and compare
for JSON. register, edit, expect, materialize, promote, rollback, approve, reject, gates and review take the
words of jupyter mlops; --help behind one of them lists its flags."""


def mlops(line: str) -> None:
    """Look at runs, jobs, sweeps, schedules, datasets and models. %mlops help lists the commands."""
    words = _split(line)
    as_json = "--json" in words
    command, *arguments = [word for word in words if word != "--json"] or [""]
    try:
        answer = _answer(command, arguments, as_json)
    except MlopsError as error:
        raise without_traceback(error)  # noqa: B904  the traceback is what is not shown
    if type(answer) is str:  # a model card is a text that shows itself
        if answer:
            print(answer)
        return
    from IPython.display import display

    display(answer)  # type: ignore[no-untyped-call]


def _answer(command: str, arguments: Sequence[str], as_json: bool) -> Any:
    if command == "help":
        return HELP
    from ..workspace import current

    if command == "replay" and not arguments:
        current().tracker.replaying = True
        return ""
    from . import command_line, data_views, lineage_views, promotion_views, views

    if command in command_line.COMMANDS:
        return command_line.run(command, arguments, as_json=as_json)
    commands: dict[str, tuple[Callable[..., Any], int, int]] = {
        "": (views.overview, 0, 0),
        "runs": (views.runs, 0, 1000),
        "jobs": (views.jobs, 0, 1),
        "sweeps": (views.sweeps, 0, 1),
        "schedules": (views.schedules, 0, 2),
        "usage": (views.usage, 0, 1),
        "gpus": (views.gpus, 0, 1),
        "datasets": (views.datasets, 0, 1),
        "models": (views.models, 0, 1),
        "profile": (data_views.profile, 1, 1),
        "diff": (data_views.diff, 2, 4),
        "check": (data_views.check, 1, 1),
        "features": (views.features, 0, 1),
        "lineage": (lineage_views.lineage, 1, 2),
        "impact": (lineage_views.impact, 1, 1),
        "audit": (lineage_views.audit, 0, 1),
        "review": (promotion_views.review, 0, 1000),
        "gates": (promotion_views.gates, 0, 1000),
        "card": (promotion_views.card, 1, 1),
        "show": (views.show, 1, 1),
        "compare": (views.compare, 2, 100),
        "replay": (views.replay, 1, 1),
        "reproduce": (_reproduce, 1, 1),
        "logs": (views.logs, 1, 1),
        "cancel": (views.cancel, 1, 1),
    }
    if command not in commands:
        from ..services.hints import did_you_mean

        names = [*filter(None, commands), *command_line.COMMANDS]
        raise BadArguments(
            f"%mlops: no command {command!r}.{did_you_mean(command, names)} There are {', '.join(names)} "
            "and help."
        )
    view, fewest, most = commands[command]
    if not fewest <= len(arguments) <= most:
        ids = " ".join(["ID"] * fewest) + (" ..." if most > fewest else "")
        takes = ids if fewest else f"at most {counted(most, 'word')}" if most else "nothing more"
        raise BadArguments(f"%mlops {command} takes {takes}, not {' '.join(arguments)!r}. %mlops help")
    workspace: Workspace = current()
    return view(workspace, *arguments, as_json=as_json)


def _reproduce(workspace: Workspace, run_id: str, *, as_json: bool) -> str:
    """Make a run again, wait, and show how it came out."""
    from .reproduction import reproduce

    return reproduce(workspace, run_id, as_json=as_json)


def _split(line: str) -> list[str]:
    """Words; a filter keeps its quotes, which belong to its texts."""
    command, _, rest = line.strip().partition(" ")
    if command == "runs":
        return [command, *rest.split()]
    try:
        return shlex.split(line)
    except ValueError as error:
        raise BadArguments(f"%mlops: {error} in {line!r}.") from error
