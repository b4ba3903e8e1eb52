"""The commands that look after what is stored, and their flags."""

from __future__ import annotations

from .commands import PROGRAM, Commands


def add(commands: Commands) -> None:
    gc = commands.add(
        "gc",
        "upkeep.gc",
        "list, or delete, the blobs that nobody refers to",
        example=f"""\
            {PROGRAM} gc
            {PROGRAM} gc --delete --older-than 30d""",
        more="""\
            A dry run: nothing goes without --delete. Kept is whatever a version, a run, a job, a schedule or
            any file of the home names, and what is younger than --older-than or than the oldest run or job
            that goes on. Of blobs that a team shares, give the team's slowest reader time: what a colleague's
            home has not pushed for longer than --older-than is not known here.""",
    )
    gc.add_argument("--delete", action="store_true", help="delete them")
    gc.add_argument(
        "--older-than",
        default="7d",
        metavar="TIME",
        help="only what was stored longer ago than this: 12h, 7d (the default); at least 2h",
    )
    fsck = commands.add(
        "fsck",
        "upkeep.fsck",
        "verify every blob, version, journal and decision; exit status 1 on damage",
        example=f"{PROGRAM} fsck --repair",
        more="""\
            Each blob is read and its digest compared; each version has its contents; databases, journals and
            the chain of the audit trail are whole. What is damaged is told with the versions and runs that
            need it.""",
    )
    fsck.add_argument(
        "--repair",
        action="store_true",
        help="get damaged contents again from the team's blobs, the cache or where they came from; "
        "damaged files are kept in HOME/damaged",
    )
    fsck.add_argument(
        "--remote", action="store_true", help="also read all of the team's blobs, not only look for them"
    )
    backup = commands.add(
        "backup",
        "upkeep.backup",
        "save the workspace to a zip file, or to a folder that only new blobs are added to",
        example=f"{PROGRAM} backup /mnt/backup/mlops",
        more="""\
            Consistent while the workspace is in use. Environments of jobs, which may hold secrets, the index
            and caches are left out.""",
    )
    backup.add_argument("path", metavar="FILE.zip|FOLDER", help="where to")
    restore = commands.add(
        "restore",
        "upkeep.restore",
        "make a workspace of a backup, verified before anything is replaced",
        example=f"{PROGRAM} restore mlops.zip --into ~/restored",
    )
    restore.add_argument("path", metavar="FILE.zip|FOLDER", help="the backup")
    restore.add_argument("--into", metavar="HOME", help="this folder instead of the workspace's own")
    restore.add_argument(
        "--force", action="store_true", help="also where something is: it is moved aside, never deleted"
    )
