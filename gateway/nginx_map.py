"""Write the map of paths in deploy/nginx.conf: `python -m gateway.nginx_map`, after a change of
`gateway.routing`.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from gateway.routing import BY_SERVICE, OWN_PAGES, RESOURCES
from shared import SERVICES

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "nginx.conf"
FIRST_PORT = 8001
HIDDEN = {"metrics", "evidence", "readyz"}
"""For Prometheus, audits and health checks inside the installation. The ingress answers 404, and
the gateway what anybody may know of a service's readiness.
"""

_MAP = re.compile(r"(?<=map \$uri \$owner \{\n).*?(?=    \}\n)", re.DOTALL)


def nginx_map() -> str:
    """The lines between the braces of `map`. nginx takes the first pattern that matches."""
    entries = [
        ("default", "gateway:8000"),
        (r'"~^/\.well-known/jwks\.json"', _target("registration")),
    ]
    entries += [(f'"~{_resources_of(service)}"', _target(service)) for service in SERVICES]
    entries += [(f'"~{_own_pages_of(service)}"', _target(service)) for service in SERVICES]
    return "".join(f"        {pattern}  {target};\n" for pattern, target in entries)


def with_map(configuration: str) -> str:
    """The configuration with the map of today."""
    return _MAP.sub(lambda _: nginx_map(), configuration)


def _resources_of(service: str) -> str:
    return rf"^/v1/({'|'.join(RESOURCES[service])})([/:]|$)"


def _own_pages_of(service: str) -> str:
    return rf"^(/v1/({_shown(BY_SERVICE)})/{service}(/|$)|/{service}/({_shown(OWN_PAGES)})(/|$))"


def _shown(pages: Iterable[str]) -> str:
    return "|".join(page for page in pages if page not in HIDDEN).replace(".", r"\.")


def _target(service: str) -> str:
    return f"{service}-api:{FIRST_PORT + SERVICES.index(service)}"


if __name__ == "__main__":
    CONFIGURATION.write_text(with_map(CONFIGURATION.read_text()))
