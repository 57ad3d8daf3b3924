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

from shared.core.ids import new_id
from shared.core.settings import Settings
from shared.db.engine import Database
from shared.service.serve import serve


class Renewal:
    """Makes the parameters of one recorded request fit for the n-th repetition."""

    def __init__(self, made_since: UUID, renewed: list[UUID]) -> None:
        self._made_since, self._renewed = made_since, renewed
        self._numbers = count(1)

    def __call__(self, statements: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        number, ids = next(self._numbers), dict[UUID, UUID]()
        return [(sql, self._value(parameters, number, ids)) for sql, parameters in statements]

    def _value(self, value: Any, number: int, ids: dict[UUID, UUID]) -> Any:
        if isinstance(value, dict):
            return {k: self._value(v, number, ids) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._value(v, number, ids) for v in value)
        if isinstance(value, UUID):
            return self._id(value, number, ids)
        if isinstance(value, datetime):
            return value + timedelta(days=number)
        if isinstance(value, str) and value.startswith("bench-"):
            return f"{value}-{number}"
        if hasattr(value, "obj"):  # psycopg's Json wrapper: written as it is
            return value
        return value

    def _id(self, value: UUID, number: int, ids: dict[UUID, UUID]) -> UUID:
        """An id that the request made is made anew; an id of the pool becomes the next of the
        pool.
        """
        if value in self._renewed:
            return self._renewed[number % len(self._renewed)]
        if value.version == 7 and value > self._made_since:
            return ids.setdefault(value, new_id())
        return value


def create(
    service: str, statements: list[tuple[str, Any]], made_since: UUID, pool: list[UUID]
) -> Flask:
    app, engine, renew = (
        Flask("bare"),
        Database(service, Settings.read()).engine,
        Renewal(made_since, pool),
    )
    lock = threading.Lock()

    @app.route("/healthz")
    @app.route("/<path:_>", methods=["GET", "POST", "PUT"])
    def run(_: str = "") -> Response:
        with lock:
            renewed = renew(statements)
        connection = engine.raw_connection()
        rows: list[Any] = []
        try:
            cursor = connection.cursor()
            for sql, parameters in renewed:
                many = isinstance(parameters, list)
                (cursor.executemany if many else cursor.execute)(sql, parameters)
                rows += cursor.fetchall() if cursor.description else []
            connection.commit()
        except Exception:
            connection.rollback()
            raise
        finally:
            connection.close()
        return jsonify(rows=[[str(value) for value in row] for row in rows])

    return app


if __name__ == "__main__":
    given = pickle.load(sys.stdin.buffer)
    serve(lambda: create(sys.argv[1], *given), f"127.0.0.1:{sys.argv[2]}", 8)
