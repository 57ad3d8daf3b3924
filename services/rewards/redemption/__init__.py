"""Redeem vouchers at the counter or by webhook, lock out guessers, and practise."""
