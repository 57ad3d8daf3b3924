"""The desk of the centre's staff, a page per concern, with one navigation."""

from flask import Blueprint

from gateway.pages.desk import (
    audit,
    disputes,
    offers,
    pool,
    rules,
    settlement,
    system_audit,
    venues,
    vouchers,
    waiting,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    waiting.bp,
    rules.bp,
    offers.bp,
    venues.bp,
    settlement.bp,
    disputes.bp,
    pool.bp,
    vouchers.bp,
    audit.bp,
    system_audit.bp,
)
