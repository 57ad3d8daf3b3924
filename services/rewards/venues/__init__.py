"""Partner venues: their state, their keys and secrets, and the checklist of a new one."""
