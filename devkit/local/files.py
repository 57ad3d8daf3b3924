"""Files and folders that only we may read."""

import os
from collections.abc import Mapping
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that only we may read, whole or not at all."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(unfinished, flags, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def write_settings(path: Path, settings: Mapping[str, str], between: str) -> None:
    """Write one setting a line, with `between` between its name and its value."""
    write_private(path, "".join(f"{name}{between}{value}\n" for name, value in settings.items()))


def private_folder(path: Path) -> Path:
    """Make a folder that only we may enter. The permissions of its parents stay as they are."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
