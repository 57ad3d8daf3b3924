"""A service as an upstream of the gateway: what is passed on, and what is not."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from gateway.pass_through import PassThrough
from gateway.upstreams import Upstream


class Service(BaseHTTPRequestHandler):
    """Keeps what it is sent and names the connection it came on."""

    protocol_version = "HTTP/1.1"
    requests: ClassVar[list[tuple[str, dict[str, str], bytes]]]
    connections: ClassVar[set[Any]]
    url: ClassVar[str]

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.requests.append((self.path, dict(self.headers.items()), body))
        self.connections.add(self.client_address)
        self.send_response(303 if self.path == "/v1/elsewhere" else 200)
        self.send_header("Location", "/v1/there")
        self.send_header("Keep-Alive", "timeout=9")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = respond  # noqa: N815 - the names that the server looks for

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[type[Service]]:
    class Own(Service):
        requests: ClassVar = []
        connections: ClassVar = set()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    Own.url = f"http://127.0.0.1:{server.server_port}"
    yield Own
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(service: type[Service]) -> Client:
    return Client(PassThrough("wishes", Upstream("wishes", service.url), 4))


def test_a_request_is_passed_on_with_the_address_of_its_sender(
    service: type[Service], client: Client
) -> None:
    answer = client.post(
        "/v1/wishes?limit=1",
        data=b'{"a": 1}',
        headers={"Authorization": "Bearer x", "Connection": "keep-alive", "TE": "trailers"},
        environ_overrides={"REMOTE_ADDR": "10.0.0.9"},
    )
    assert (answer.status_code, answer.get_json()) == (200, {})
    ((path, headers, body),) = service.requests
    assert (path, body) == ("/v1/wishes?limit=1", b'{"a": 1}')
    assert headers["X-Forwarded-For"] == "10.0.0.9"
    assert headers["Authorization"] == "Bearer x"
    assert "TE" not in headers
    assert "Keep-Alive" not in answer.headers


def test_a_connection_is_used_again(service: type[Service], client: Client) -> None:
    for _ in range(3):
        client.get("/v1/wishes")
    assert len(service.requests) == 3
    assert len(service.connections) == 1


def test_a_redirect_is_passed_on_and_not_followed(service: type[Service], client: Client) -> None:
    answer = client.get("/v1/elsewhere")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/v1/there")
    assert len(service.requests) == 1


def test_a_service_that_does_not_answer_is_a_problem_document_with_a_time_to_wait() -> None:
    away = PassThrough("wishes", Upstream("wishes", "http://127.0.0.1:1"), 4)
    answer = Client(away).get("/v1/wishes", headers={"Accept-Language": "en"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert answer.content_type == "application/problem+json"
    assert answer.get_json() == {
        "type": "/problems/unavailable",
        "title": "The service cannot answer just now. Try again shortly.",
        "status": 503,
        "detail": "Nothing was changed.",
    }


def test_a_large_body_of_unknown_length_is_passed_on_whole(
    service: type[Service], client: Client
) -> None:
    body = b"0123456789" * 300_000
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    environ = EnvironBuilder("/v1/wishes", method="POST", data=body).get_environ()
    del environ["CONTENT_LENGTH"]
    _, status, _ = run_wsgi_app(client.application, environ | chunked)
    assert status.startswith("200 ")
    assert [sent == body for _, _, sent in service.requests] == [True]
