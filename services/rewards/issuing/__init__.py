"""From points to vouchers: issue what is due, exchange on request, and wait for stock."""
