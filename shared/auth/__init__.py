"""Who sends a request and what they may do: tokens, principals, access, signatures."""
