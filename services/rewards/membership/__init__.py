"""What happens to an account when its volunteer changes, and the daily review of accounts."""
