"""The pages, by who uses them. A page asks services and shows their answers; it decides nothing."""
