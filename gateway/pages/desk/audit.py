"""The audit of the journal, page by page: each step is one request, and what it found is shown."""

from flask import Blueprint, render_template, request

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.forms import if_there

bp = Blueprint("desk_audit", __name__)

STEPS = 5
"""Pages of the audit looked at in one request: a few seconds."""


@bp.get("/desk/audit")
@page_for("staff")
def show_audit(told: Told | None = None, found: dict[str, object] | None = None) -> str:
    books = (
        ask("GET", "/v1/ledger/books") if request.args.get("books") == "yes" else None
    )  # reads the whole journal
    return render_template(
        "desk/audit.html",
        told=told,
        found=found,
        head=request.form.get("head", ""),
        books=books,
        heads=if_there("GET", "/v1/ledger/heads", {"items": []}, query={"limit": 7}),
    )


@bp.post("/desk/audit")
@page_for("staff")
def run() -> str | tuple[str, int]:
    """Check some pages of the chain, then of the accounts; a form leads on to the next ones."""
    try:
        found = _check_accounts() if request.form.get("part") == "accounts" else _check_chain()
    except Told as told:
        return show_audit(told), told.status
    return show_audit(found=found)


def _check_chain() -> dict[str, object]:
    start, head = request.form.get("from") or "1", request.form.get("head", "").strip()
    checked = _so_far()
    for _ in range(STEPS):
        page = ask("GET", "/v1/ledger/audit", query={"from": start, "head": head})
        checked += page["entries"]
        if page["finding"] or page["next"] is None:
            break
        start = str(page["next"])
    more = None if page["finding"] or page["next"] is None else start
    return {"part": "chain", "checked": checked, "finding": page["finding"], "next": more}


def _check_accounts() -> dict[str, object]:
    after, checked = request.form.get("after") or "", _so_far()
    for _ in range(STEPS):
        page = ask("GET", "/v1/ledger/audit/accounts", query={"after": after})
        checked += page["accounts"]
        if page["finding"] or page["next"] is None:
            break
        after = page["next"]
    more = None if page["finding"] or page["next"] is None else after
    return {"part": "accounts", "checked": checked, "finding": page["finding"], "next": more}


def _so_far() -> int:
    said = request.form.get("checked", "0")
    return int(said) if said.isdigit() and len(said) < 12 else 0
