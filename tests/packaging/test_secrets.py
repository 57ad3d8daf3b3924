"""`deploy/make-secrets` makes what docker-compose.yml needs, once; only the containers read it."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from shared import SERVICES
from shared.auth.principal import Role
from shared.auth.tokens import sign_token
from shared.core.settings import Settings

ROOT = Path(__file__).parents[2]


def make_secrets(folder: Path) -> dict[str, str]:
    subprocess.run(
        [sys.executable, ROOT / "deploy" / "make-secrets", folder], check=True, capture_output=True
    )
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_it_makes_exactly_what_compose_needs(tmp_path: Path) -> None:
    needed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["secrets"]
    made = make_secrets(tmp_path / "secrets")
    assert set(made) == {Path(secret["file"]).name for secret in needed.values()}
    assert all(name == Path(secret["file"]).name for name, secret in needed.items())


def test_the_folder_is_closed_and_the_files_can_be_mounted(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make_secrets(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o444}


def test_repeating_it_changes_no_secret(tmp_path: Path) -> None:
    first, second = make_secrets(tmp_path), make_secrets(tmp_path)
    del first["rabbitmq_definitions"], second["rabbitmq_definitions"]  # the hashes are salted anew
    assert first == second


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    one, other = make_secrets(tmp_path / "one"), make_secrets(tmp_path / "other")
    assert not set(one.values()) & set(other.values())


def test_a_deleted_secret_is_made_anew_and_its_broker_user_with_it(tmp_path: Path) -> None:
    before = make_secrets(tmp_path)
    (tmp_path / "rewards_broker_url").unlink()
    after = make_secrets(tmp_path)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"rewards_broker_url", "rabbitmq_definitions"}


def test_the_services_can_work_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_secrets(tmp_path)
    for name in ("signing_key", "data_key", "rewards_database_url", "rewards_client_secret"):
        monkeypatch.delenv(f"WISHTREE_{name.upper()}", raising=False)
        monkeypatch.setenv(f"WISHTREE_{name.upper()}_FILE", str(tmp_path / name))
    settings = Settings.read()
    assert sign_token(settings, role=Role.STAFF, subject="desk")
    assert len(base64.b64decode(settings.data_key or "")) == 32
    assert settings.database_url_of("rewards").startswith("postgresql://rewards_app:")


def test_a_broker_user_may_publish_only_the_events_of_its_own_service(tmp_path: Path) -> None:
    found = json.loads(make_secrets(tmp_path)["rabbitmq_definitions"])
    assert all(user["tags"] == [] and user["password_hash"] for user in found["users"])
    on_events = {
        permission["user"]: permission["write"]
        for permission in found["topic_permissions"]
        if permission["exchange"] == "wishtree.events"
    }
    assert set(on_events) == {user["name"] for user in found["users"]}
    for service in SERVICES:
        for other in SERVICES:
            may_publish = re.search(on_events[service], f"{other}.wish.claimed")
            assert bool(may_publish) == (service == other)
