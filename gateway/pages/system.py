"""The system page for staff: whether all parts of the installation work, in people's words.

Each section is asked for by itself: what is not known is left out, and the rest is shown.
"""

from flask import Blueprint, render_template

from gateway.access import page_for
from gateway.client import ApiRequest, ask_all, get
from shared import SERVICES

bp = Blueprint("desk_system", __name__)


@bp.get("/desk/system")
@page_for("staff")
def show_system() -> str:
    return render_template("desk/system.html", services=ask_all(*map(_readiness_of, SERVICES)))


def _readiness_of(service: str) -> ApiRequest:
    """A service without a database, or that does not answer at all, is down."""
    down = {"service": service, "status": "down", "reasons": [], "loops": []}
    return get(f"/{service}/readyz").or_else(down, (502, 503, 504))
