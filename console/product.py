"""Which version of Wishtree this is."""

from importlib.metadata import PackageNotFoundError, version


def product_version() -> str:
    try:
        return version("wishtree")
    except PackageNotFoundError:  # a checkout that was not installed
        return "unknown"
