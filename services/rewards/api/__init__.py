"""One blueprint per resource: parse, call one verb, render."""

from apiflask import APIBlueprint

from services.rewards.api import (
    accounts,
    counter,
    disputes,
    explain,
    ledger,
    products,
    rules,
    settlements,
    venue_lists,
    venues,
    vouchers,
    webhooks,
)

BLUEPRINTS: tuple[APIBlueprint, ...] = (
    accounts.bp,
    counter.bp,
    disputes.bp,
    explain.bp,
    ledger.bp,
    products.bp,
    rules.bp,
    settlements.bp,
    venue_lists.bp,
    venues.bp,
    vouchers.bp,
    webhooks.bp,
)
