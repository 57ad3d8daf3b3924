"""The pages: shell, log-in and what a person sees first. They ask the services as any client would."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from shared.settings import Settings


def make_pages(settings: Settings, call: Callable[..., Any]) -> Flask:
    app = Flask(__name__)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app
