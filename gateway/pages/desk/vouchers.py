"""Somebody's vouchers, for staff: where they stand, taking one back, a new code for a lost one.

A code is never shown.
"""

from uuid import UUID

from flask import Blueprint, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ApiRequest, ask_all, post, put
from gateway.forms import Answer, field_text, submit
from gateway.queries import VENUE_NAMES, account_of, get_page, names_by_id
from gateway.refusals import Refusal

bp = Blueprint("desk_vouchers", __name__)

HERE = "desk_vouchers.show_vouchers"


@bp.get("/desk/vouchers")
@page_for("staff")
def show_vouchers(refusal: Refusal | None = None) -> str:
    """By the id of a volunteer; without one the newest of all."""
    holder = request.values.get("holder_id", "").strip()
    page, venues, account = ask_all(
        get_page("/v1/vouchers", holder_id=holder),
        VENUE_NAMES,
        account_of(holder).as_part() if holder else None,
    )
    return render_template(
        "desk/vouchers.html",
        page=page,
        holder=holder,
        account=account,
        venues=names_by_id(venues),
        refusal=refusal,
    )


@bp.post("/desk/vouchers/<uuid:voucher_id>")
@page_for("staff")
def change(voucher_id: UUID) -> Answer:
    path, reason = f"/v1/vouchers/{voucher_id}", {"reason": field_text("reason")}
    if request.form.get("do") == "reissue":
        return _change(post(f"{path}/reissue", reason), "voucher-reissued")
    return _change(put(f"{path}/voidance", reason), "voucher-voided")


def _change(wanted: ApiRequest, done: str) -> Answer:
    back = url_for(HERE, holder_id=request.form.get("holder_id") or None)
    return submit(wanted, then=back, done=done, show=show_vouchers)
