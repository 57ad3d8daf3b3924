"""`up` with tiny processes in place of our services.

It is run as a program, so that a test can interrupt or crash it.
"""

import sys
from pathlib import Path

from devkit.local.place import Mode, Place
from devkit.local.supervisor import Process
from devkit.local.up import up

API = """
import http.server, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""
WORKER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
time.sleep(600)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
SEED = """
import os
print('沈芳 logs in with 123', os.environ['WISHTREE_BROKER_URL'].partition(':')[0])
"""


def processes_of(place: Place) -> list[Process]:
    worker = STUBBORN if "--stubborn" in sys.argv else WORKER
    return [
        *(Process(f"api-{port}", [sys.executable, "-c", API, str(port)]) for port in place.ports),
        Process("worker", [sys.executable, "-c", worker]),
    ]


def main() -> None:
    mode: Mode = "real" if sys.argv[1] == "real" else "embedded"
    data, port = Path(sys.argv[2]), int(sys.argv[3])
    seed = Process("seed", [sys.executable, "-c", SEED])
    up(mode, data, port, processes=processes_of, steps=[seed])


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
