"""The counter of a venue: check a code, hold its voucher, redeem it.

The venue's key is in the form and nowhere else.
"""

from typing import Any
from uuid import uuid4

from flask import Blueprint, render_template, request

from gateway.client import ApiRequest, ask, delete, post
from gateway.forms import field_text
from gateway.refusals import Refusal

bp = Blueprint("counter", __name__)


@bp.get("/counter")
def show_counter() -> str:
    return render_template("counter.html", form={}, reference=_new_reference())


@bp.post("/counter")
def use_code() -> tuple[str, int]:
    """Check, hold, release or redeem; what was done is in the answer."""
    action = request.form.get("do", "check")
    try:
        result = ask(_request_to(action).with_key(field_text("key")))
    except Refusal as refusal:
        return _answer(action, refusal=refusal), refusal.status
    # The API answers the end of a hold without a body.
    return _answer(action, {"outcome": "released"} if action == "release" else result), 200


def _answer(action: str, result: Any = None, refusal: Refusal | None = None) -> str:
    """The result alone for the script, so that the key stays typed in; else the whole page."""
    shown = {"action": action, "result": result, "refusal": refusal}
    if request.headers.get("X-Part"):
        return render_template("counter_result.html", **shown)
    if action == "redeem" and refusal is None:
        return render_template("counter.html", form={}, reference=_new_reference(), **shown)
    reference = field_text("reference")
    return render_template("counter.html", form=request.form, reference=reference, **shown)


def _request_to(action: str) -> ApiRequest:
    if action == "release":
        return delete(f"/v1/holds/{request.form.get('hold_id', '')}")
    if action == "redeem":
        return post("/v1/vouchers/redeem", _redemption())
    path = "hold" if action == "hold" else "check"
    return post(f"/v1/vouchers/{path}", {"code": field_text("code")})


def _redemption() -> dict[str, str]:
    body = {"code": field_text("code"), "reference": field_text("reference")}
    if request.form.get("hold_id"):
        body["hold_id"] = request.form["hold_id"]
    return body


def _new_reference() -> str:
    """A number for this sale, unless the venue types its till's.

    Sending the form twice with it redeems once.
    """
    return f"counter-{uuid4().hex[:12]}"
