"""The pages, by who uses them. A page asks services and shows their answers; it decides nothing."""

from flask import Blueprint

from gateway.pages import counter, exchange, log_in, me, pool, system, tree, venue_month, wallet
from gateway.pages.desk import BLUEPRINTS as DESK

BLUEPRINTS: tuple[Blueprint, ...] = (
    tree.bp,
    log_in.bp,
    me.bp,
    wallet.bp,
    exchange.bp,
    pool.bp,
    counter.bp,
    venue_month.bp,
    *DESK,
    system.bp,
)
