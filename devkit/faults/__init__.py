"""What breaks things on purpose: a TCP proxy whose link can be bad in every usual way."""
