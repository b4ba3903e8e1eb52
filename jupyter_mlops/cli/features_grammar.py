"""The commands of feature views, and their flags."""

from __future__ import annotations

from .commands import PROGRAM, Commands
from .numbers import positive


def add(commands: Commands) -> None:
    features = commands.add(
        "features",
        "features.features",
        "list feature views, or the versions of one with what they gave",
        example=f"{PROGRAM} features driver_stats",
        more="""\
            Columns: name version source keys timestamp ttl_s features dataset source_version rows
            online_rows materialized digest created created_by run_id status description.""",
    )
    features.add_argument("name", nargs="?", metavar="NAME", help="show all versions of this view")
    materialize = commands.add(
        "materialize",
        "features.materialize",
        "compute a feature view from its source, as a dataset of its name",
        example=f"{PROGRAM} materialize driver_stats --online",
        more="""\
            Runs the code that was registered. What was computed already is not computed again.
            --json: view source dataset rows online_rows materialized user run_id duration_s.""",
    )
    materialize.add_argument("view", metavar="VIEW", help="a view, or a version of one: driver_stats@2")
    materialize.add_argument(
        "--source-version", type=positive, metavar="N", help="which version of the source (default: newest)"
    )
    materialize.add_argument("--online", action="store_true", help="put the newest row of each key online")
    materialize.add_argument("--force", action="store_true", help="compute it again")
    materialize.add_argument("--trust", action="store_true", help="run the code of another user's view")
    export = commands.add(
        "export-feast",
        "features.export_feast",
        "write feature views as a Feast repository",
        example=f"{PROGRAM} export-feast feature_repo driver_stats",
        more="Then, in that folder: feast apply",
    )
    export.add_argument("path", metavar="PATH", help="a new folder")
    export.add_argument(
        "views", metavar="VIEW", nargs="*", help="which views (default: all that were materialised)"
    )
    export.add_argument("--project", metavar="NAME", help="Feast's project (default: the folder's name)")
