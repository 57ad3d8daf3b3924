"""Wait until the whole installation answers."""

import http.client
import time
from collections.abc import Callable

from devkit.local.place import Place, UpFailed
from devkit.local.ports import LOOPBACK

READY_SECONDS = 60


def wait_until_ready(place: Place, check: Callable[[], None]) -> None:
    """Return when the gateway answers that all are ready.

    The gateway comes last, since it asks the others. `check` is called meanwhile. Raises UpFailed
    after a minute, with the last response.
    """
    deadline = time.monotonic() + READY_SECONDS
    services = [(port, "/healthz") for port in place.ports if port != place.port]
    for port, path in [*services, (place.port, "/readyz")]:
        while (response := get(port, path)) != "200":
            if time.monotonic() > deadline:
                raise UpFailed(
                    f"Not ready after {READY_SECONDS} s: {path} on port {port} answers {response} "
                    f"(logs: {place.data / 'log'})."
                )
            check()
            time.sleep(0.1)


def get(port: int, path: str) -> str:
    """The status code of a GET, with the body if it is not 200; or why there is no response."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(500).decode(errors="replace")
        return "200" if response.status == 200 else f"{response.status} {body}"
    except (OSError, http.client.HTTPException) as error:
        return f"nothing ({error})"
    finally:
        connection.close()
