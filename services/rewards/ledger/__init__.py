"""The bank: accounts, the journal of transfers, credits, expiry, statements, seal and audit."""
