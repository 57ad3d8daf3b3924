"""The demo district: fixed ids and public names, put into an empty installation by `wishtree seed`."""
