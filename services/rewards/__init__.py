"""Rewards: hours to happiness. A small bank.

Owns accounts and the journal, rules, products and their stock, venues and their secrets, vouchers,
redemptions and disputes. Publishes what happens to vouchers (`voucher.*`, `stock.low`,
`dispute.opened`), never a code. Handles the hours, corrections and volunteers of registration: it
opens, closes and merges accounts, credits minutes by the rule in force, and issues every voucher
that the points have reached.
"""
