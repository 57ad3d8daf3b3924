"""Webhooks: how other systems are told of events. People are reached through `channels/`."""
