"""Somebody's vouchers, for staff: where they stand, taking one back, a new code for a lost one.
Never a code.
"""

from uuid import UUID

from flask import Blueprint, render_template, request, url_for

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.forms import PAGE, Answer, do, if_there, named, venues

bp = Blueprint("desk_vouchers", __name__)


@bp.get("/desk/vouchers")
@page_for("staff")
def show_vouchers(told: Told | None = None) -> str:
    """By the id of a volunteer; without one the newest of all."""
    holder = (request.values.get("holder_id") or "").strip()
    page = ask(
        "GET",
        "/v1/vouchers",
        query={"holder_id": holder, "limit": PAGE, "after": request.args.get("after")},
    )
    account = if_there("GET", f"/v1/accounts/{holder}", {}) if holder else None
    return render_template(
        "desk/vouchers.html",
        page=page,
        holder=holder,
        account=account,
        venues=named(venues()),
        told=told,
    )


@bp.post("/desk/vouchers/<uuid:voucher_id>")
@page_for("staff")
def change(voucher_id: UUID) -> Answer:
    holder, reason = (
        request.form.get("holder_id", ""),
        {"reason": request.form.get("reason", "").strip()},
    )
    then = (
        url_for("desk_vouchers.show_vouchers", holder_id=holder)
        if holder
        else url_for("desk_vouchers.show_vouchers")
    )
    if request.form.get("do") == "reissue":
        return do(
            "POST",
            f"/v1/vouchers/{voucher_id}/reissue",
            reason,
            then=then,
            done="voucher-reissued",
            show=show_vouchers,
        )
    return do(
        "PUT",
        f"/v1/vouchers/{voucher_id}/voidance",
        reason,
        then=then,
        done="voucher-voided",
        show=show_vouchers,
    )
