"""No secret and no dangerous call is in the repository; what is planted here is found."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCTION = ("console", "devkit", "gateway", "services", "shared")
SECRETS = {
    "private key": r"-----BEGIN (?:EC |RSA |OPENSSH |)PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{40}",
    "webhook secret": r"whsec_[A-Za-z0-9+/]{32}",
    "cloud key": r"\b(?:AKIA[0-9A-Z]{16}|LTAI[0-9A-Za-z]{16,}|ghp_[0-9A-Za-z]{36})\b",
    "token": r"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
    "password in a URL": r"\w+://\w+:(?!app@|owner@|\{|\$|\.\.\.|%)[A-Za-z0-9_-]{12,}@",
}
PLANTED_SECRETS = {
    "private key": "-----BEGIN "
    + "PRIVATE KEY-----\n"
    + "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0w",
    "webhook secret": "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "cloud key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "token": ".".join(
        ["eyJ" + "hbGciOiJFUzI1NiIsInR5cCI", "eyJ" + "zdWIiOiJ4IiwiZXhwIjoxMjM0", "a" * 30]
    ),
    "password in a URL": "postgresql://wishtree:" + "Xk29fjq0Lmn4" + "@db/wishtree",
}
#: Compared with `==`, a secret gives away how much of a guess was right.
COMPARED = re.compile(r"(?:secret|signature|api_key|password)\w*\)? (?:==|!=) (?!None)")
PLANTED_DANGERS = {
    "S602": "import subprocess\nsubprocess.run(input(), shell=True)\n",
    "S501": "import requests\nrequests.get('https://x', verify=False, timeout=1)\n",
    "S301": "import pickle\npickle.loads(input().encode())\n",
    "S608": "def f(c, x):\n    return c.execute('SELECT * FROM t WHERE a = ' + x)\n",
    "S324": "import hashlib\nhashlib.md5(b'')\n",
    "S307": "eval(input())\n",
    "S113": "import requests\nrequests.get('https://x')\n",
    "S311": "import random\nrandom.choice('ab')\n",
}


def secrets_in(text: str) -> set[str]:
    return {name for name, pattern in SECRETS.items() if re.search(pattern, text)}


def tracked() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.stat().st_size < 5_000_000:
            yield path


@pytest.mark.check("S9")
@pytest.mark.parametrize("name", SECRETS)
def test_a_planted_secret_is_found(name: str) -> None:
    assert secrets_in(PLANTED_SECRETS[name]) == {name}


@pytest.mark.check("S9")
def test_no_file_of_the_repository_holds_a_secret() -> None:
    files = list(tracked())
    assert len(files) > 500
    found = {
        str(path.relative_to(ROOT)): names
        for path in files
        if (names := secrets_in(path.read_text(errors="replace")))
    }
    assert not found


@pytest.mark.check("S9")
@pytest.mark.parametrize("rule", PLANTED_DANGERS)
def test_a_planted_danger_is_found_by_the_linter(tmp_path: Path, rule: str) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(PLANTED_DANGERS[rule])
    assert lint(planted).returncode == 1
    assert rule in lint(planted).stdout


def lint(*what: Path) -> subprocess.CompletedProcess[str]:
    """Lint with our own configuration, whatever folder it is in."""
    ruff = Path(sys.executable).with_name("ruff")
    options = ["check", "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    return subprocess.run([ruff, *options, *what], capture_output=True, text=True, check=False)


@pytest.mark.check("S9")
def test_every_danger_that_the_linter_passes_over_says_why() -> None:
    """A waiver of a security rule is a comment with its reason."""
    waived = re.compile(r"# noqa: [A-Z0-9, ]*\bS\d+(?P<reason>.*)")
    without = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in PRODUCTION
        for path in (ROOT / folder).rglob("*.py")
        for number, row in enumerate(path.read_text().splitlines(), 1)
        if (found := waived.search(row)) and not found["reason"].strip(" -")
    ]
    assert not without


@pytest.mark.check("S9")
def test_no_secret_is_compared_sign_by_sign() -> None:
    assert COMPARED.search("if given_secret == secret:")
    found = [
        f"{path.relative_to(ROOT)}: {row.strip()}"
        for folder in ("gateway", "services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        for row in path.read_text().splitlines()
        if COMPARED.search(row)
    ]
    assert not found
