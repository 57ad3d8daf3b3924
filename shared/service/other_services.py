"""Requests of a service to the others, with its own token."""

from collections.abc import Mapping

import requests

from shared.core.settings import Settings


class OtherServices:
    """Reads from the other services as one of them; renews its token when it has expired."""

    def __init__(self, service: str, settings: Settings) -> None:
        self._service, self._settings = service, settings
        self._token = ""

    def get(
        self, source: str, path: str, params: Mapping[str, str], seconds: float
    ) -> requests.Response:
        """Return what `source` answers, if it is no error. Raises requests.RequestException."""
        url = f"{self._settings.url_of(source)}{path}"
        response = self._get(url, params, seconds)
        if response.status_code == 401:  # no token yet, or it has expired
            self._token = service_token(self._settings, self._service)
            response = self._get(url, params, seconds)
        response.raise_for_status()
        return response

    def _get(self, url: str, params: Mapping[str, str], seconds: float) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        return requests.get(url, params, headers=headers, timeout=seconds)


def service_token(settings: Settings, service: str) -> str:
    """Get this service's own access token from registration, by OAuth2 client credentials.

    https://www.rfc-editor.org/rfc/rfc6749#section-4.4
    """
    response = requests.post(
        f"{settings.url_of('registration')}/v1/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(f"service-{service}", settings.client_secret_of(service)),
        timeout=5,
    )
    response.raise_for_status()
    token: str = response.json()["access_token"]
    return token
