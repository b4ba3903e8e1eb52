"""The Jupyter server extension: settings, routes, and the news of changes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_events import EventLogger
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from traitlets import Float, Integer, Unicode

from .. import config
from ..workspace import Workspace
from . import metrics
from .base import WATCHER, WORKSPACE
from .news import News
from .routes import ROUTES
from .watcher import Watcher

CHANGED = "https://schemas.jupyter-mlops.org/changed/v1"
SCHEMA = Path(__file__).parent / "events" / "changed.yaml"

VARIABLE_OF_TRAIT = {
    "home": config.HOME,
    "database": config.DATABASE,
    "blobs": config.BLOBS,
    "gpu_slots": config.GPU_SLOTS,
}


class MlopsExtension(ExtensionApp):
    """Serves the workspace to the sidebar and to any other client."""

    name = "jupyter_mlops"
    app_name = "Jupyter MLOps"
    description = "Experiments, batch jobs, datasets and models inside Jupyter"
    extension_url = "/jupyter-mlops"
    load_other_extensions = True

    home = Unicode("", config=True, help="The workspace's folder. Empty: <jupyter data dir>/mlops.")
    database = Unicode("", config=True, help="SQLAlchemy URL of a team's registry and index. Empty: SQLite.")
    blobs = Unicode("", config=True, help="fsspec URL where content is kept. Empty: in the home folder.")
    gpu_slots = Integer(
        None, allow_none=True, config=True, help="Virtual GPU slots where no GPU is found. Unset: none."
    )
    watch_interval_s = Float(
        1.0, config=True, help="Seconds between looks for changes while somebody listens."
    )
    idle_interval_s = Float(5.0, config=True, help="Seconds between looks for changes while nobody does.")

    serverapp: ServerApp
    watcher: Watcher | None = None
    """None where the settings were refused: the server goes on without the extension."""

    def initialize_settings(self) -> None:
        """Called by jupyter_server before the handlers are added; nothing is opened here."""
        traits = {name: getattr(self, name) for name in VARIABLE_OF_TRAIT}
        settings = config.load_settings(traits=traits)
        self._tell_kernels(traits, settings.environment())
        workspace = Workspace(settings)
        self._events.register_event_schema(SCHEMA)
        news = News(workspace)
        self.watcher = Watcher(
            news.sources(),
            self.emit,
            watched=lambda: news.jobs_are_open or self.has_listeners(),
            interval_s=self.watch_interval_s,
            idle_interval_s=self.idle_interval_s,
            log=self.log,
        )
        self.settings.update({WORKSPACE: workspace, WATCHER: self.watcher})

    def initialize_handlers(self) -> None:
        """Called by jupyter_server, which puts its base URL in front."""
        self.handlers.extend((url_path_join(self.extension_url, path), handler) for path, handler in ROUTES)

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        if self.watcher is not None:
            self.watcher.start()
            workspace: Workspace = self.settings[WORKSPACE]
            metrics.register(lambda: workspace.gauges.read())

    async def stop_extension(self) -> None:
        """Called by jupyter_server at shutdown."""
        if self.watcher is not None:
            metrics.withdraw()
            await self.watcher.stop()

    def emit(self, change: Mapping[str, object]) -> None:
        """Tell everybody who subscribed to events. On the event loop only."""
        self._events.emit(schema_id=CHANGED, data=dict(change))

    def has_listeners(self) -> bool:
        """Whether somebody listens to our events; yes where jupyter_events does not tell."""
        listeners = getattr(self._events, "_modified_listeners", None)
        return listeners is None or bool(listeners.get(CHANGED))

    @property
    def _events(self) -> EventLogger:
        logger = self.serverapp.event_logger
        assert logger is not None  # jupyter_server makes it before it loads extensions
        return logger

    @staticmethod
    def _tell_kernels(traits: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        """Kernels of this server use its workspace also when only its configuration names it."""
        for trait, variable in VARIABLE_OF_TRAIT.items():
            if traits[trait] not in (None, "") and variable in environment:
                os.environ[variable] = environment[variable]
