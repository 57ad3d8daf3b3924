"""A service as programs reach it through the gateway: with a bulkhead and a circuit of its own.

A request stays in the thread that serves it, in compact mode too: to hand it to another one would
free no thread, and a call in this process cannot be cut off. There the limits of the database end
it, and the bulkhead keeps a service that hangs from taking every thread.
"""

from collections.abc import Iterable
from os import SEEK_CUR
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from typing import IO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from gateway.bulkhead import Bulkhead, Full
from gateway.circuit import Circuit
from gateway.json_responses import PROBLEM, json_response, problem_response
from gateway.upstreams import READ_SECONDS, NoAnswer
from shared.core.language import language_of, translate
from shared.core.problems import Problem, Unanswered, Unavailable

FAILURES = 5
"""Each of these has waited 30 seconds, or could not connect."""

MAX_BODY_BYTES = 21 * 1024 * 1024
"""As at the ingress. The services refuse what is too large for each route, and strangers before."""

IN_MEMORY_BYTES = 1024 * 1024
"""More of a body that is on its way goes to a temporary file."""

RETRY_AFTER_SECONDS = 2
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
NOTHING_CHANGED = "Nothing was changed."
HOW_TO_REPEAT = "Repeat it with the same Idempotency-Key, or ask for the state."


class PassThrough:
    """Pass requests of programs on to a service; answer 503 where it does not."""

    def __init__(self, service: str, app: WSGIApplication, places: int) -> None:
        self.app = app
        self._bulkhead, self._circuit = Bulkhead(places), Circuit(f"{service} api", FAILURES)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            with SpooledTemporaryFile(IN_MEMORY_BYTES) as body:
                _read_body(environ, body)  # before it takes a place: a client may send slowly
                with self._bulkhead.place():
                    return self._answer(environ, start_response)
        except HTTPException as error:
            return _refusal(error)(environ, start_response)
        except Full:
            return _unavailable(environ)(environ, start_response)
        except NoAnswer as error:
            response = _unanswered(environ) if error.may_be_done else _unavailable(environ)
            return response(environ, start_response)

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self._circuit.lets_through(READ_SECONDS):
            raise NoAnswer(may_be_done=False)
        try:
            answer = self.app(environ, start_response)
        except NoAnswer:
            self._circuit.fail()
            raise
        self._circuit.succeed()
        return answer


def _read_body(environ: WSGIEnvironment, body: IO[bytes]) -> None:
    """Read the whole body. Raises HTTPException if it is too large or breaks off."""
    request = Request(environ)
    if not request.content_length and "HTTP_TRANSFER_ENCODING" not in environ:
        return
    request.max_content_length = MAX_BODY_BYTES
    copyfileobj(request.stream, body)
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(body.seek(0, SEEK_CUR))
    environ["wsgi.input"] = body
    body.seek(0)


def _refusal(error: HTTPException) -> Response:
    return problem_response(error.name.lower().replace(" ", "-"), error.name, error.code or 400)


def _unavailable(environ: WSGIEnvironment) -> Response:
    return _response(environ, Unavailable, NOTHING_CHANGED)


def _unanswered(environ: WSGIEnvironment) -> Response:
    if environ["REQUEST_METHOD"] in SAFE_METHODS:
        return _unavailable(environ)
    return _response(environ, Unanswered, HOW_TO_REPEAT)


def _response(environ: WSGIEnvironment, problem: type[Problem], detail: str) -> Response:
    language = language_of(Request(environ).accept_languages)
    title = translate(problem.title(), language)
    document = problem(translate(detail, language)).document(title)
    response = json_response(document, problem.status, PROBLEM)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
