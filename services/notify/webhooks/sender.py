"""Send one signed POST to an address that a subscriber gave us.

It never goes to a private address and never follows a redirect. The library resolves the name once,
checks every address and connects to the one it checked, so there is no DNS rebinding.
"""

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import perf_counter

import requests
from AntiSSRF import AntiSSRFError, AntiSSRFPolicy, IPAddressRanges, PolicyConfigOptions
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from services.notify.outcomes import Accepted, Outcome, Permanent, RetryLater
from services.notify.webhooks.deadline import Deadline, obey_deadlines
from shared.core import clock
from shared.core.problems import invalid
from shared.core.settings import Settings

TIMEOUT_SECONDS = 10  #: of silence
#: For a whole attempt, however slowly the bytes arrive; well inside delivery.LEASE.
DEADLINE_SECONDS = 20.0
LONGEST_WAIT_SECONDS = 24 * 3600

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_PRIVATE_NETWORKS = [
    ipaddress.ip_network(network) for network in IPAddressRanges.recommended_latest
]
_PRIVATE_NAMES = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa")


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What one attempt to send brought: a status, or the class of the error that prevented one."""

    milliseconds: int
    status: int | None = None
    error: str | None = None
    retry_after: timedelta = timedelta(0)

    @property
    def outcome(self) -> Outcome:
        if self.status is not None and 200 <= self.status < 300:
            return Accepted()
        if self.status == 410:
            return Permanent("gone")
        return RetryLater(self.retry_after)


def post(settings: Settings, url: str, body: bytes, headers: Mapping[str, str]) -> AttemptResult:
    """Send once and read status and headers only, not the body of the response.

    Never raises because of the receiver. After 20 s the attempt is cut off and has failed,
    even if a part of the response had arrived.
    """
    started = perf_counter()
    try:
        with Deadline(DEADLINE_SECONDS) as deadline:
            result = _post(settings, url, body, headers, started)
    except (requests.RequestException, AntiSSRFError, OSError, ValueError) as error:
        result = AttemptResult(_since(started), error=type(error).__name__)
    if deadline.over:
        return AttemptResult(result.milliseconds, error="DeadlineExceeded")
    return result


def _post(
    settings: Settings, url: str, body: bytes, headers: Mapping[str, str], started: float
) -> AttemptResult:
    with (
        _http_session(settings, plain=url.startswith("http:")) as http,
        http.post(
            url,
            data=body,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
            stream=True,  # so that the body of the response is not read
        ) as response,
    ):
        retry_after = _retry_after(response.headers.get("Retry-After"))
        return AttemptResult(_since(started), response.status_code, retry_after=retry_after)


def check_url(settings: Settings, url: str) -> None:
    """Refuse an address that could never be sent to.

    Names are not looked up here: they are checked when connecting. Raises Unprocessable that names
    `/url`.
    """
    parsed = _parse(url)
    host = _host_of(parsed)
    if not host or not url.isascii() or any(c.isspace() or c == "\\" for c in url):
        raise invalid("/url", "This is not a URL with a plain host name.")
    if parsed.auth or parsed.fragment:
        raise invalid("/url", "Leave out user, password and fragment.")
    _check_host(settings, host, parsed.scheme)


def _check_host(settings: Settings, host: str, scheme: str | None) -> None:
    """Refuse a private host. Hosts of the test networks are allowed, also over plain HTTP."""
    address = _numeric_address(host)
    for_tests = address is not None and _is_in(address, _test_networks(settings))
    if scheme != "https" and not (scheme == "http" and for_tests):
        raise invalid("/url", "Use an https address.")
    if address is None and _is_private_name(host):
        raise invalid("/url", "This name is not on the public internet.")
    if address is not None and not for_tests and _is_private(address):
        raise invalid("/url", "This address is not on the public internet.")


def _parse(url: str) -> Url:
    """Parse with the library that sends, so that both see the same host."""
    try:
        return parse_url(url)
    except LocationParseError:
        raise invalid("/url", "This is not a URL.") from None


def _host_of(url: Url) -> str:
    return (url.host or "").strip("[]").rstrip(".").lower()


def _numeric_address(host: str) -> Address | None:
    """Read an address in any notation that a connect takes.

    For example 127.1, 0x7f000001, 2130706433 or ::ffff:127.0.0.1. None if it is a name.
    """
    try:
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)[0][4][0]
    except (OSError, UnicodeError):
        return None
    address = ipaddress.ip_address(str(found).partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _is_private_name(host: str) -> bool:
    return "." not in host or host.endswith(_PRIVATE_NAMES)


def _is_private(address: Address) -> bool:
    return not address.is_global or _is_in(address, _PRIVATE_NETWORKS)


def _is_in(address: Address, networks: list[Network]) -> bool:
    return any(address in network for network in networks)


def _test_networks(settings: Settings) -> list[Network]:
    parts = (part.strip() for part in settings.webhook_test_networks.split(","))
    return [ipaddress.ip_network(part) for part in parts if part]


def _http_session(settings: Settings, *, plain: bool) -> requests.Session:
    """Open a session. Plain HTTP reaches the test networks only; https the public internet, too."""
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
    # Without this, requests reads the whole body of a redirect.
    http.get_redirect_target = lambda resp: None  # type: ignore[assignment,method-assign]
    obey_deadlines(http)
    return http


def _retry_after(header: str | None) -> timedelta:
    """Read `Retry-After`, at most a day; 0 when it is missing or unreadable."""
    if header is None:
        return timedelta(0)
    try:
        seconds = int(header)
    except ValueError:
        seconds = _seconds_until(header)
    return timedelta(seconds=max(0, min(seconds, LONGEST_WAIT_SECONDS)))


def _seconds_until(http_date: str) -> int:
    """Seconds from now until a date as in HTTP headers; 0 when it is unreadable."""
    try:
        moment = parsedate_to_datetime(http_date)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        return int((moment - clock.now()).total_seconds())
    except (ValueError, OverflowError, TypeError):
        return 0


def _since(started: float) -> int:
    return round((perf_counter() - started) * 1000)


def signing_moment() -> datetime:
    """Return real time, not the movable clock: the receiver compares it with its own."""
    return datetime.now(UTC)
