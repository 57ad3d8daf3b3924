"""The counter of a venue: check a code, hold it, redeem it. The venue's key is in the form and
nowhere else.
"""

from typing import Any
from uuid import uuid4

from flask import Blueprint, render_template, request

from gateway.client import Told, ask

bp = Blueprint("counter", __name__)


@bp.get("/counter")
def show_counter() -> str:
    return render_template("counter.html", form={}, reference=_new_reference())


@bp.post("/counter")
def use_code() -> tuple[str, int]:
    """With the script only the result is sent for, so that the key stays typed in; without it the
    whole page.
    """
    form, wanted = request.form, request.form.get("do", "check")
    result, told, status = None, None, 200
    try:
        result = _ask_for(wanted)
    except Told as refused:
        told, status = refused, refused.status
    shown = {"result": result, "told": told, "wanted": wanted, "redeem": wanted == "redeem"}
    if request.headers.get("X-Part"):
        return render_template("counter_result.html", **shown), status
    next_one = wanted == "redeem" and result is not None
    reference = form.get("reference", "").strip()
    return render_template(
        "counter.html",
        form={} if next_one else form,
        reference=_new_reference() if next_one else reference,
        **shown,
    ), status


def _ask_for(wanted: str) -> Any:
    form = request.form
    code, headers = form.get("code", "").strip(), {"Api-Key": form.get("key", "").strip()}
    if wanted == "release":
        ask("DELETE", f"/v1/holds/{form.get('hold_id', '')}", headers=headers, as_anyone=True)
        return {"outcome": "released"}
    body: dict[str, Any] = {"code": code}
    if wanted == "redeem":
        body["reference"] = form.get("reference", "").strip()
        if form.get("hold_id"):
            body["hold_id"] = form["hold_id"]
    path = {"redeem": "redeem", "hold": "hold"}.get(wanted, "check")
    return ask("POST", f"/v1/vouchers/{path}", body, headers=headers, as_anyone=True)


def _new_reference() -> str:
    """The venue's own number for this sale unless it types its till's: sending the form twice
    redeems once.
    """
    return f"counter-{uuid4().hex[:12]}"
