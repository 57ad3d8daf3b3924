"""One blueprint per resource: parse, call one verb, render."""

from apiflask import APIBlueprint

from services.rewards.api import accounts, counter, ledger, products, rules, venues, vouchers, webhooks

BLUEPRINTS: tuple[APIBlueprint, ...] = (
    accounts.bp,
    counter.bp,
    ledger.bp,
    products.bp,
    rules.bp,
    venues.bp,
    vouchers.bp,
    webhooks.bp,
)
