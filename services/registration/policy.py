"""Numbers that the centre decided, in one place."""

from datetime import timedelta

TOLERANCE = timedelta(minutes=15)
"""How long before the start and after the end of a session somebody still counts as present."""
MINIMUM_PERCENT = 60
"""Share of the planned time; a shorter presence credits nothing."""
SLIP = timedelta(days=1)
"""A check-in or check-out farther than this from its session is refused as mistyped."""
AUTO_APPROVAL_FOR = timedelta(days=7)
"""How long after a session's end its attendance counts at once; later a second person decides."""
CLOSE_AFTER = timedelta(hours=1)
"""How long a check-out may be missing, after the end and after somebody typed in the check-in."""
CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""How far ahead another system's clock may be before its hours count as not worked yet."""
LONGEST = timedelta(hours=24)
"""Longest block of time in one record; a longer one is sent as several records."""
ADULT_AT = 18
