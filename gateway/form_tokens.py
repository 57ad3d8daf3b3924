"""Form tokens: a form is taken only from a page that this person got from us in this browser.

Flask-WTF makes and checks them. Its CSRFProtect signs with one key for everybody, so its two
functions are called with a key for each person instead: a token from before the log-in or of
somebody else is refused, even if the cookie it belongs to was planted. The cookie is Flask's signed
session; all keys come from the data key, so nothing is kept on the server.
"""

from datetime import timedelta

from flask import Flask, current_app, request
from flask_wtf.csrf import generate_csrf, validate_csrf
from wtforms import ValidationError

from gateway.login_sessions import cookie_name, current_login
from shared.core.crypto import Vault, vault
from shared.core.settings import Settings

FIELD = "form_token"


def install_form_tokens(app: Flask, settings: Settings) -> None:
    keys = vault(settings, "gateway.form")
    secure = settings.public_url.startswith("https://")
    app.extensions["form_keys"] = keys
    app.secret_key = keys.fingerprint("cookie")
    app.config.update(
        SESSION_COOKIE_NAME=cookie_name("wishtree_form", secure),
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        # The cookie ends with the browser; until then a form may stay open.
        PERMANENT_SESSION_LIFETIME=timedelta(days=3650),
        WTF_CSRF_TIME_LIMIT=None,
    )


def form_token() -> str:
    """What a form sends back in its field `form_token`."""
    token: str = generate_csrf(_key())
    return token


def is_own_form() -> bool:
    """Whether this POST comes from one of our own pages."""
    try:
        validate_csrf(request.form.get(FIELD), _key())
    except ValidationError:
        return False
    return True


def _key() -> bytes:
    keys: Vault = current_app.extensions["form_keys"]
    login = current_login()
    return keys.fingerprint(f"token:{login.subject if login else ''}")
