"""The audit of the journal, page by page: each step is one request, and its finding is shown."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request

from gateway.access import page_for
from gateway.client import ApiRequest, ask, ask_all, get
from gateway.forms import field_text
from gateway.page_calls import Patience
from gateway.refusals import Refusal

bp = Blueprint("desk_audit", __name__)

PAGES_A_REQUEST = 5
"""Pages of the audit in one request: a few seconds."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How far the audit has come in one part of it."""

    part: str  #: "chain" or "accounts"
    count: int  #: entries or accounts
    finding: Any = None  #: the first that is wrong
    next: Any = None  #: where the audit goes on


@bp.get("/desk/audit")
@page_for("staff")
def show_audit(refusal: Refusal | None = None, checked: Checked | None = None) -> str:
    # Adding up reads the whole journal, so only on demand.
    adds_up = request.args.get("books") == "yes"
    books, heads = ask_all(
        get("/v1/ledger/books").with_patience(Patience.REPORT) if adds_up else None,
        get("/v1/ledger/heads", limit=7).or_else({"items": []}).as_part(),
    )
    return render_template(
        "desk/audit.html",
        refusal=refusal,
        checked=checked,
        head=request.form.get("head", ""),
        books=books,
        heads=heads,
    )


@bp.post("/desk/audit")
@page_for("staff")
def run() -> str | tuple[str, int]:
    """Check some pages of the chain, then of the accounts; a form leads on to the next ones."""
    accounts = request.form.get("part") == "accounts"
    try:
        checked = _check_accounts() if accounts else _check_chain()
    except Refusal as refusal:
        return show_audit(refusal), refusal.status
    return show_audit(checked=checked)


def _check_chain() -> Checked:
    checked = Checked("chain", _count_so_far(), next=request.form.get("from") or "1")
    for _ in range(PAGES_A_REQUEST):
        page = get("/v1/ledger/audit", head=field_text("head"), **{"from": checked.next})
        checked = _after(checked, page, "entries")
        if checked.next is None:
            break
    return checked


def _check_accounts() -> Checked:
    checked = Checked("accounts", _count_so_far(), next=request.form.get("after") or "")
    for _ in range(PAGES_A_REQUEST):
        page = get("/v1/ledger/audit/accounts", after=checked.next)
        checked = _after(checked, page, "accounts")
        if checked.next is None:
            break
    return checked


def _after(checked: Checked, wanted: ApiRequest, counted: str) -> Checked:
    """One page further. A finding ends the audit."""
    page = ask(wanted.with_patience(Patience.REPORT))
    following = None if page["finding"] else page["next"]
    return Checked(checked.part, checked.count + page[counted], page["finding"], following)


def _count_so_far() -> int:
    text = request.form.get("checked", "0")
    return int(text) if text.isdigit() and len(text) < 12 else 0
