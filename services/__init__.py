"""The four services. None imports another; what they tell each other is in `shared.contracts`."""
