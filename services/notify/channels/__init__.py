"""How people and systems are reached, one file each. Copy one to add another."""
