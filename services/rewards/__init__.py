"""Rewards: hours to happiness. A small bank.

Owns accounts and the journal, rules, products and their stock, venues and their secrets, vouchers,
redemptions and disputes. Says what became of vouchers (`voucher.*`, `stock.low`, `dispute.opened`),
never a code. Hears hours and corrections of registration, and what becomes of volunteers: it opens,
closes, merges accounts, credits minutes by the rule in force and issues every voucher the points
have reached.
"""
