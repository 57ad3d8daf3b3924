"""One signed POST to an address that somebody gave us: never to a private address, never after a
redirect.

The library resolves the name once, checks every address and connects to the one it checked (no DNS
rebinding).
"""

import ipaddress
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import perf_counter

import requests
from AntiSSRF import AntiSSRFError, AntiSSRFPolicy, IPAddressRanges, PolicyConfigOptions
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from services.notify.webhooks.deadline import Deadline, obey_deadlines
from shared.core import clock
from shared.core.problems import invalid
from shared.core.settings import Settings

TIMEOUT_SECONDS = 10  #: of silence
DEADLINE_SECONDS = (
    20.0  #: for a whole attempt, however busily the other side drips; well inside delivery.LEASE
)
LONGEST_WAIT_SECONDS = 24 * 3600
_CLOSED = [ipaddress.ip_network(network) for network in IPAddressRanges.recommended_latest]
_LOCAL_NAMES = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, or the class of the error that kept it from coming."""

    milliseconds: int
    status: int | None = None
    error: str | None = None
    retry_after_seconds: int = 0

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        return self.status == 410


def post(settings: Settings, url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Send once and look at status and headers only; the answer's body is not read. Never raises
    for the other side.

    After 20 s it is cut off and failed, whatever had come until then.
    """
    started = perf_counter()
    try:
        with Deadline(DEADLINE_SECONDS) as deadline:
            answer = _post(settings, url, body, headers, started)
    except (requests.RequestException, AntiSSRFError, OSError, ValueError) as error:
        answer = Answer(_since(started), error=type(error).__name__)
    return Answer(answer.milliseconds, error="DeadlineExceeded") if deadline.over else answer


def _post(
    settings: Settings, url: str, body: bytes, headers: dict[str, str], started: float
) -> Answer:
    with (
        _session(settings, plain=url.startswith("http:")) as http,
        http.post(
            url,
            data=body,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as response,
    ):
        return Answer(
            _since(started),
            response.status_code,
            None,
            _wait_asked(response.headers.get("Retry-After")),
        )


def check_url(settings: Settings, url: str) -> None:
    """Refuse what could never be sent to, without asking the DNS: names are checked again when
    connecting.

    Raises Unprocessable naming `/url`.
    """
    try:
        # The parser that the sender uses, so that both see the same host.
        parsed = parse_url(url)
    except LocationParseError:
        raise invalid("/url", "This is not a URL.") from None
    host = (parsed.host or "").strip("[]").rstrip(".").lower()
    if not host or not url.isascii() or any(c.isspace() or c == "\\" for c in url):
        raise invalid("/url", "This is not a URL with a plain host name.")
    if parsed.auth or parsed.fragment:
        raise invalid("/url", "Leave out user, password and fragment.")
    address = _numeric(host)
    allowed = address is not None and any(
        address in network for network in _test_networks(settings)
    )
    if parsed.scheme != "https" and not (parsed.scheme == "http" and allowed):
        raise invalid("/url", "Only https addresses are sent to.")
    if address is None and ("." not in host or host.endswith(_LOCAL_NAMES)):
        raise invalid("/url", "This name is not on the public internet.")
    if address is not None and not allowed and _is_closed(address):
        raise invalid("/url", "This address is not on the public internet.")


def _numeric(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address in any notation that a connect would take: 127.1, 0x7f000001, 2130706433,
    ::ffff:127.0.0.1.
    """
    try:
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)[0][4][0]
    except (OSError, UnicodeError):
        return None
    address = ipaddress.ip_address(str(found).partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _is_closed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return not address.is_global or any(address in network for network in _CLOSED)


def _test_networks(settings: Settings) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [
        ipaddress.ip_network(part.strip())
        for part in settings.webhook_test_networks.split(",")
        if part.strip()
    ]


def _session(settings: Settings, *, plain: bool) -> requests.Session:
    """Plain HTTP reaches the test networks only; https those and the public internet."""
    policy = AntiSSRFPolicy(
        PolicyConfigOptions.INTERNAL_ONLY if plain else PolicyConfigOptions.EXTERNAL_ONLY_LATEST
    )
    policy.add_xff_header = False
    policy.allow_plain_text_http = plain
    networks = [str(network) for network in _test_networks(settings)]
    if networks:
        policy.add_allowed_addresses(networks)
    http: requests.Session = policy.get_antissrf_session()
    http.trust_env = False  # a proxy variable would connect for us, past the check
    http.get_redirect_target = lambda resp: None  # type: ignore[assignment,method-assign] # else reads a redirect's whole body
    obey_deadlines(http)
    return http


def _wait_asked(header: str | None) -> int:
    """`Retry-After` in seconds, at most a day; 0 when missing or unreadable."""
    if header is None:
        return 0
    try:
        seconds = int(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
            seconds = int(
                (moment.replace(tzinfo=moment.tzinfo or UTC) - clock.now()).total_seconds()
            )
        except (ValueError, OverflowError, TypeError):
            return 0
    return max(0, min(seconds, LONGEST_WAIT_SECONDS))


def _since(started: float) -> int:
    return round((perf_counter() - started) * 1000)


def signing_moment() -> datetime:
    """Real time, not the movable clock: the receiver compares it with its own."""
    return datetime.now(UTC)
