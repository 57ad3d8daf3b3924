"""The services as upstreams of the gateway, each at its own address.

werkzeug's ProxyMiddleware is not used: it opens a connection for each request, has one timeout for
connecting and reading, sends no X-Forwarded-For, answers 502 as HTML, and is meant for development.
"""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError
from werkzeug.datastructures import Headers
from werkzeug.http import is_hop_by_hop_header
from werkzeug.wrappers import Request, Response

from shared.core.logs import get_logger

log = get_logger(__name__)

CONNECT_SECONDS, READ_SECONDS = 2, 30
SECONDS = "wishtree.seconds"
"""In the WSGI environment: how long a request may take, where it is not READ_SECONDS."""

KEPT_CONNECTIONS = 64
NOT_PASSED_ON = {"host", "content-length", "content-encoding"}
"""Set anew for each hop; requests has already decoded the body."""


class NoAnswer(Exception):
    """A service did not answer, or not in time."""

    def __init__(self, *, may_be_done: bool) -> None:
        super().__init__("may be done" if may_be_done else "not done")
        self.may_be_done = may_be_done  #: the request may have reached the service


class Upstream:
    """Pass requests on to one service. It is a WSGI app, as the service is in compact mode.

    Raises NoAnswer.
    """

    def __init__(self, service: str, url: str) -> None:
        self._service, self._url = service, url
        self._http = requests.Session()
        self._http.trust_env = False  # a proxy of the machine must not see internal requests
        self._http.mount("http://", HTTPAdapter(pool_maxsize=KEPT_CONNECTIONS))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._respond(Request(environ))(environ, start_response)

    def _respond(self, request: Request) -> Response:
        try:
            answer = self._send(request)
        except requests.RequestException as error:
            log.warning("service does not answer", service=self._service, error=_name_of(error))
            raise NoAnswer(may_be_done=not _is_connecting(error)) from error
        return Response(answer.content, answer.status_code, _passed_on(answer.headers.items()))

    def _send(self, request: Request) -> requests.Response:
        headers = dict(_passed_on(request.headers.items()))
        headers["X-Forwarded-For"] = request.remote_addr or ""
        seconds = request.environ.get(SECONDS, READ_SECONDS)
        return self._http.request(
            request.method,
            self._target(request),
            data=request.get_data(),
            headers=headers,
            timeout=(min(CONNECT_SECONDS, seconds), seconds),
            allow_redirects=False,  # where to go on is for the client to decide
        )

    def _target(self, request: Request) -> str:
        query = request.query_string.decode("latin-1")
        path = request.environ.get("PATH_INFO", "/")
        return f"{self._url}{path}?{query}" if query else f"{self._url}{path}"


def _name_of(error: Exception) -> str:
    return type(error).__name__


def _is_connecting(error: requests.RequestException) -> bool:
    """Whether it failed before anything was sent."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)


def _passed_on(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers without those that hold for one connection only."""
    return Headers(
        [
            (name, value)
            for name, value in headers
            if not is_hop_by_hop_header(name) and name.lower() not in NOT_PASSED_ON
        ]
    )
