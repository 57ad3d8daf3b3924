"""The bare peer: one Flask view that runs given statements in one transaction; no auth, no ORM, no
validation.

`python -m devkit.bench.bare SERVICE PORT`; the statements come pickled on stdin, from the benchmark
that started it. Ids, references and times that must be new in each request are made new, so that it
writes the same rows as we do.
"""

import pickle
import sys
import threading
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from flask import Flask, Response, jsonify
from sqlalchemy import Engine

from devkit.bench.statements import Recording, Statement
from shared.core.ids import new_id
from shared.core.settings import Settings
from shared.db.engine import Database
from shared.db.limits import ENDPOINTS
from shared.service.serve import serve


class Renewal:
    """Makes the parameters of one recorded request fit for the n-th repetition."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._renewed = set(recording.pool)
        self._numbers = count(1)
        self._lock = threading.Lock()

    def next(self) -> list[Statement]:
        with self._lock:
            repetition = _Repetition(self._recording, self._renewed, next(self._numbers))
        return [
            Statement(statement.sql, repetition.value(statement.parameters))
            for statement in self._recording.statements
        ]


class _Repetition:
    """One repetition: an id that occurs twice is renewed to the same new one."""

    def __init__(self, recording: Recording, renewed: set[UUID], number: int) -> None:
        self._recording, self._renewed, self._number = recording, renewed, number
        self._ids: dict[UUID, UUID] = {}

    def value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.value(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.value(part) for part in value)
        if isinstance(value, UUID):
            return self._id(value)
        if isinstance(value, datetime):
            return value + timedelta(days=self._number)
        if isinstance(value, str) and value.startswith("bench-"):
            return f"{value}-{self._number}"
        return value

    def _id(self, value: UUID) -> UUID:
        """Replace an id that the request made by a new one, an id of the pool by the next one."""
        pool = self._recording.pool
        if value in self._renewed:
            return pool[self._number % len(pool)]
        if value.version == 7 and value > self._recording.made_since:
            return self._ids.setdefault(value, new_id())
        return value


def create(service: str, recording: Recording) -> Flask:
    app, engine = Flask("bare"), Database(service, Settings.read(), ENDPOINTS).engine
    renewal = Renewal(recording)

    @app.route("/healthz")
    @app.route("/<path:_>", methods=["GET", "POST", "PUT"])
    def run(_: str = "") -> Response:
        rows = run_all(engine, renewal.next())
        return jsonify(rows=[[str(value) for value in row] for row in rows])

    return app


def run_all(engine: Engine, statements: list[Statement]) -> list[Any]:
    """Run the statements in one transaction; returns all rows that they give."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        rows = [row for statement in statements for row in _run(cursor, statement)]
        connection.commit()
    except Exception:
        connection.rollback()
        raise
    finally:
        connection.close()
    return rows


def _run(cursor: Any, statement: Statement) -> list[Any]:
    if isinstance(statement.parameters, list):
        cursor.executemany(statement.sql, statement.parameters)
    else:
        cursor.execute(statement.sql, statement.parameters)
    return cursor.fetchall() if cursor.description else []


if __name__ == "__main__":
    given: Recording = pickle.load(sys.stdin.buffer)
    serve(lambda: create(sys.argv[1], given), f"127.0.0.1:{sys.argv[2]}", 16)
