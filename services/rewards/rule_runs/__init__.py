"""Try proposed rules on recorded history, or apply them to it."""
