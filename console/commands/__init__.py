"""The commands of `wishtree`, by who uses them. They import late, so that `--help` is quick."""
