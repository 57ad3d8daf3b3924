"""Rules as versioned data: their kinds, which one counts, and limits per person."""
