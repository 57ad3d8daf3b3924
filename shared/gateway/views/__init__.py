"""The pages, by who uses them. A page asks services and shows their answers; it decides nothing."""

from flask import Blueprint

from shared.gateway.views import counter, entry, exchange, mine, pool, tree, venue_month, wallet
from shared.gateway.views.desk import BLUEPRINTS as DESK

BLUEPRINTS: tuple[Blueprint, ...] = (
    tree.bp, entry.bp, mine.bp, wallet.bp, exchange.bp, pool.bp, counter.bp, venue_month.bp, *DESK,
)  # fmt: skip
