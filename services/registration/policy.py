"""Numbers that the centre decided, in one place."""

from datetime import timedelta

TOLERANCE = timedelta(minutes=15)
"""Before the start and after the end of a session that still count as being there."""
MINIMUM_PERCENT = 60
"""Of the planned time; whoever was there for less gets nothing credited."""
SLIP = timedelta(days=1)
"""A check-in or check-out farther than this from its session is refused as mistyped."""
AUTO_APPROVAL_FOR = timedelta(days=7)
"""After its end a session's attendance is taken at its word for this long; later a second person
looks.
"""
CLOSE_AFTER = timedelta(hours=1)
"""After its end, and after somebody checked in, a forgotten check-out is closed at the session's
end.
"""
CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""How far ahead another system's clock may be before its hours count as not worked yet."""
LONGEST = timedelta(hours=24)
"""One block of time. Whoever has more sends several."""
ADULT_AT = 18
