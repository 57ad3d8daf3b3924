"""One blueprint per resource: parse, call one verb, render."""

from apiflask import APIBlueprint

from services.rewards.api import (
    accounts,
    counter,
    disputes,
    exchanges,
    explanation,
    gifts,
    ledger,
    pool,
    products,
    rules,
    sandbox,
    settlements,
    venue_reports,
    venues,
    vouchers,
    webhooks,
)

BLUEPRINTS: tuple[APIBlueprint, ...] = (
    accounts.bp,
    counter.bp,
    disputes.bp,
    exchanges.bp,
    explanation.bp,
    gifts.bp,
    ledger.bp,
    pool.bp,
    products.bp,
    rules.bp,
    sandbox.bp,
    settlements.bp,
    venue_reports.bp,
    venues.bp,
    vouchers.bp,
    webhooks.bp,
)
