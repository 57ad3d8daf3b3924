"""The audits across services: what each found, and what to do about it."""

from flask import Blueprint, redirect, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ApiRequest, ask_all, get, post
from gateway.forms import Answer, with_done
from gateway.queries import PAGE
from gateway.refusals import Refusal
from shared import SERVICES

bp = Blueprint("desk_system_audit", __name__)

HERE = "desk_system_audit.show_audits"


@bp.get("/desk/system/audit")
@page_for("staff", "auditor")
def show_audits(refusal: Refusal | None = None) -> str:
    """All services; the differences of one of them from where its list before ended."""
    chosen = request.args.get("service")
    audits = ask_all(*(_audit_of(service, is_chosen=service == chosen) for service in SERVICES))
    return render_template("desk/system_audit.html", audits=audits, refusal=refusal)


@bp.post("/desk/system/audit")
@page_for("staff")
def run_audits() -> Answer:
    """Request a run of every service."""
    try:
        ask_all(*(post(f"/v1/audit/{service}/runs") for service in SERVICES))
    except Refusal as refusal:
        return show_audits(refusal), refusal.status
    return redirect(with_done(url_for(HERE), "audit-requested"))


def _audit_of(service: str, *, is_chosen: bool) -> ApiRequest:
    after = request.args.get("after") if is_chosen else None
    return get(f"/v1/audit/{service}", limit=PAGE, after=after)
