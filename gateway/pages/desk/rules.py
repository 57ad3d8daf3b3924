"""The rules of the bank: those in force, a new version, what it would give, and applying it to old
records.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ApiRequest, ask_all, get, post, put
from gateway.forms import Answer, FormFields, filled_in, instant_at_site, submit, submit_and
from gateway.page_calls import Patience
from gateway.queries import (
    PAGE,
    PRODUCT_NAMES,
    PRODUCTS,
    VENUE_NAMES,
    get_page,
    names_by_id,
    titles_by_id,
)
from gateway.refusals import Refusal
from shared.core.json import JsonObject

bp = Blueprint("desk_rules", __name__)

KINDS = ("earn", "coefficient", "issue", "expire", "limit", "budget")
PERIODS = ("day", "week", "month", "year")
NUMBERS = ("minutes", "points", "percent", "days", "count")
HERE = "desk_rules.show_rules"


@bp.get("/desk/rules")
@page_for("staff")
def show_rules(refusal: Refusal | None = None) -> str:
    everything = request.args.get("all") == "yes"
    page, products = ask_all(
        get_page("/v1/rules", limit=100, in_force="" if everything else "true"), PRODUCT_NAMES
    )
    return render_template(
        "desk/rules.html",
        page=page,
        everything=everything,
        kinds=KINDS,
        titles=titles_by_id(products),
        refusal=refusal,
    )


@bp.post("/desk/rules/<uuid:rule_id>/end")
@page_for("staff")
def end_rule(rule_id: UUID) -> Answer:
    wanted = put(f"/v1/rules/{rule_id}/end", {})
    return submit(wanted, then=url_for(HERE), done="rule-ended", show=show_rules)


@bp.get("/desk/rules/new/<kind>")
@page_for("staff")
def show_new(kind: str, refusal: Refusal | None = None, trial: Any = None) -> str:
    """The form of a new rule; after a trial also what the rule would give."""
    if kind not in KINDS:
        abort(404)
    products, venues = ask_all(PRODUCTS, VENUE_NAMES if trial else None)
    return render_template(
        "desk/rule.html",
        kind=kind,
        form=request.form,
        trial=trial,
        products=products["items"],
        titles=titles_by_id(products),
        venues=names_by_id(venues) if venues else {},
        periods=PERIODS,
        refusal=refusal,
    )


@bp.post("/desk/rules/new/<kind>")
@page_for("staff")
def make(kind: str) -> Answer:
    """Try a rule on old records, apply it to them, or add it for the future alone.

    The page offers to apply only what was tried.
    """
    action = request.form.get("do")

    def show(refusal: Refusal) -> str:
        return show_new(kind, refusal)

    if action == "add":
        wanted = post("/v1/rules", _rule(kind))
        return submit(wanted, then=url_for(HERE), done="rule-added", show=show)
    if action == "apply":
        return submit_and(_on_old_records("application", kind), _go_to_run, show)
    dry_run = _on_old_records("dry-run", kind)
    return submit_and(dry_run, lambda trial: show_new(kind, trial=trial), show)


@bp.get("/desk/rules/runs/<uuid:run_id>")
@page_for("staff")
def show_run(run_id: UUID) -> str:
    run, products, venues = ask_all(
        get(f"/v1/rules/applications/{run_id}"), PRODUCT_NAMES, VENUE_NAMES
    )
    return render_template(
        "desk/run.html", run=run, titles=titles_by_id(products), venues=names_by_id(venues)
    )


def _on_old_records(move: str, kind: str) -> ApiRequest:
    body = {"rules": [_rule(kind)], "since": request.form.get("since") or None}
    query = {"limit": PAGE} if move == "dry-run" else None
    return ApiRequest("POST", f"/v1/rules/{move}", body, query, patience=Patience.REPORT)


def _go_to_run(run: JsonObject) -> Answer:
    return redirect(url_for("desk_rules.show_run", run_id=run["id"]))


def _rule(kind: str) -> FormFields:
    rule = filled_in("category", "period", "product_id", numbers=NUMBERS) | {"kind": kind}
    if kind == "issue":
        rule["automatic"] = request.form.get("automatic") == "yes"
    for name in ("effective_from", "effective_until"):
        if request.form.get(name):
            rule[name] = instant_at_site(request.form[name])
    return rule
