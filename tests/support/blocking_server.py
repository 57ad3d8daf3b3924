"""A server of ours with four threads, whose app blocks on `/block` for half a minute."""

import sys
import time
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from shared.service.serve import serve

THREADS = 4


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/block":
        time.sleep(30)
    start_response("200 OK", [("Content-Length", "4")])
    return [b"done"]


if __name__ == "__main__":
    serve(lambda: app, f"127.0.0.1:{sys.argv[1]}", THREADS)
