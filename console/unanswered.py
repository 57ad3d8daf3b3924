"""What a request failed with, as one sentence for an operator."""

import requests


def why_unanswered(error: requests.RequestException) -> str:
    """Name the address where nothing answers; other errors say it themselves."""
    if isinstance(error, requests.ConnectionError) and error.request and error.request.url:
        url = error.request.url.partition("?")[0]
        return f"Nothing answers at {url}: does this installation run?"
    return str(error)
