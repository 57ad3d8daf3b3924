"""The rules of the bank: what counts now, a new version, what it would give, and applying it to old
records.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.forms import PAGE, Answer, at_site, do, given, named, products, venues

bp = Blueprint("desk_rules", __name__)

KINDS = ("earn", "coefficient", "issue", "expire", "limit", "budget")
PERIODS = ("day", "week", "month", "year")
NUMBERS = ("minutes", "points", "percent", "days", "count")
HERE = "desk_rules.show_rules"


@bp.get("/desk/rules")
@page_for("staff")
def show_rules(told: Told | None = None) -> str:
    everything = request.args.get("all") == "yes"
    page = ask(
        "GET",
        "/v1/rules",
        query={
            "limit": 100,
            "after": request.args.get("after"),
            "in_force": "" if everything else "true",
        },
    )
    return render_template(
        "desk/rules.html",
        page=page,
        everything=everything,
        kinds=KINDS,
        products=named(products(), "title"),
        told=told,
    )


@bp.post("/desk/rules/<uuid:rule_id>/end")
@page_for("staff")
def end_rule(rule_id: UUID) -> Answer:
    return do(
        "PUT",
        f"/v1/rules/{rule_id}/end",
        {},
        then=url_for(HERE),
        done="rule-ended",
        show=show_rules,
    )


@bp.get("/desk/rules/new/<kind>")
@page_for("staff")
def show_new(kind: str, told: Told | None = None, found: Any = None) -> str:
    if kind not in KINDS:
        abort(404)
    offered = products()
    return render_template(
        "desk/rule.html",
        kind=kind,
        form=request.form,
        found=found,
        products=offered,
        titles=named(offered, "title"),
        venues=named(venues()) if found else {},
        periods=PERIODS,
        told=told,
    )


@bp.post("/desk/rules/new/<kind>")
@page_for("staff")
def make(kind: str) -> Answer:
    """Look first: only what was tried can be applied to old records. For the future alone a rule is
    added at once.
    """
    rule, wanted = _rule(kind), request.form.get("do")
    if wanted == "add":
        return do(
            "POST",
            "/v1/rules",
            rule,
            then=url_for(HERE),
            done="rule-added",
            show=lambda told: show_new(kind, told),
        )
    body = {"rules": [rule], "since": request.form.get("since") or None}
    try:
        if wanted == "apply":
            run = ask("POST", "/v1/rules/application", body)
            return redirect(url_for("desk_rules.show_run", run_id=run["id"]))
        found = ask("POST", "/v1/rules/dry-run", body, query={"limit": PAGE})
    except Told as told:
        return show_new(kind, told), told.status
    return show_new(kind, found=found), 200


@bp.get("/desk/rules/runs/<uuid:run_id>")
@page_for("staff")
def show_run(run_id: UUID) -> str:
    return render_template(
        "desk/run.html",
        run=ask("GET", f"/v1/rules/applications/{run_id}"),
        titles=named(products(), "title"),
        venues=named(venues()),
    )


def _rule(kind: str) -> dict[str, Any]:
    form = request.form
    rule = given(form, "category", "period", "product_id", numbers=NUMBERS) | {"kind": kind}
    if kind == "issue":
        rule["automatic"] = form.get("automatic") == "yes"
    for name in ("effective_from", "effective_until"):
        if form.get(name):
            rule[name] = at_site(form[name])
    return rule
