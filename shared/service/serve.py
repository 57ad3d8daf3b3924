"""Gunicorn with one worker process of threads: a replica. Scale by starting more replicas."""

from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from shared.core.memory import keep_for_good
from shared.core.settings import SettingsError
from shared.core.stopping import STOP_SECONDS


class _Server(BaseApplication):
    def __init__(self, create: Callable[[], Any], bind: str, threads: int) -> None:
        self._create = create
        self._options = {
            "bind": bind,
            "workers": 1,
            "worker_class": "gthread",
            "threads": threads,
            "graceful_timeout": STOP_SECONDS,
            "timeout": 60,
            "keepalive": 30,
            "accesslog": None,
            # Else two replicas on one host take the same default path from each other.
            "control_socket_disable": True,
            "proc_name": "wishtree",
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        try:
            app = self._create()
        except SettingsError as error:
            raise SystemExit(str(error)) from None
        keep_for_good()
        return app


def serve(create: Callable[[], Any], bind: str, threads: int) -> None:
    """Serve until SIGTERM, then finish the requests in flight.

    The app is made in the worker, after the fork: no connection is shared with the parent.
    """
    _Server(create, bind, threads).run()
