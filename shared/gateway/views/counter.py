"""The counter of a venue: type a code, check it, redeem it. The venue's key is in the form and nowhere else."""

from uuid import uuid4

from flask import Blueprint, render_template, request

from shared.gateway.asking import Told, ask

bp = Blueprint("counter", __name__)


@bp.get("/counter")
def show_counter() -> str:
    return render_template("counter.html", form={}, reference=_new_reference())


@bp.post("/counter")
def use_code() -> tuple[str, int]:
    """With the script only the result is sent for, so that the key stays typed in; without it the whole page."""
    form = request.form
    code, reference = form.get("code", "").strip(), form.get("reference", "").strip()
    headers = {"Api-Key": form.get("key", "").strip()}
    redeem = form.get("do") == "redeem"
    result, told, status = None, None, 200
    try:
        if redeem:
            body = {"code": code, "reference": reference}
            result = ask("POST", "/v1/vouchers/redeem", body, headers=headers, as_anyone=True)
        else:
            result = ask("POST", "/v1/vouchers/check", {"code": code}, headers=headers, as_anyone=True)
    except Told as refused:
        told, status = refused, refused.status
    shown = {"result": result, "told": told, "redeem": redeem}
    if request.headers.get("X-Part"):
        return render_template("counter_result.html", **shown), status
    next_one = redeem and result is not None
    return render_template("counter.html", form={} if next_one else form,
                           reference=_new_reference() if next_one else reference, **shown), status  # fmt: skip


def _new_reference() -> str:
    """The venue's own number for this sale unless it types its till's: sending the form twice redeems once."""
    return f"counter-{uuid4().hex[:12]}"
