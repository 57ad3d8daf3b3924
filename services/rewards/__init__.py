"""Rewards: a small bank that turns verified hours into vouchers.

Owns accounts and the journal, rules, products and their stock, venues and their secrets, vouchers,
redemptions, disputes and settlements. Publishes what becomes of vouchers and disputes
(`voucher.*`, `stock.low`, `dispute.opened`, ...), never a code. Handles hours and corrections of
registration, what becomes of volunteers, and the wishes that the pool can grant: it opens, closes
and merges accounts, credits minutes by the rule in force, and issues each voucher that the points
have reached.
"""
