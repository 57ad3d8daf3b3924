"""docker-compose.yml is valid, names only what exists, leaks no secret, and can be scaled."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

from console.commands.run import API_THREADS
from console.main import main
from devkit.local.place import Place
from devkit.local.servers.postgres import MAX_CONNECTIONS as LOCAL_CONNECTIONS
from devkit.local.up import processes_of
from shared import SERVICES
from shared.core.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
SECRET_WORDS = ("SECRET", "PASSWORD", "KEY", "DATABASE_URL", "BROKER_URL")
OF_THE_OWNER = {"owner_database_url", "owner_database_password", "postgres_password"}
OURS = [f"{service}-{role}" for service in SERVICES for role in ("api", "bus", "worker")]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())


def test_it_follows_the_compose_specification() -> None:
    # The checker knows neither variables nor merged lists: put both in, as Compose would.
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", COMPOSE.read_text())
    parsed = compose_spec.PyCompose.from_yaml(yaml.safe_dump(yaml.safe_load(text)))
    parsed.validate()
    assert {*OURS, "ingress", "postgres", "rabbitmq", "migrate", "beat", "gateway", "seed"} <= set(
        parsed.service_names()
    )


def test_one_service_builds_the_image_that_all_roles_use(compose: dict[str, Any]) -> None:
    built = [name for name, service in compose["services"].items() if "build" in service]
    assert built == ["migrate"]
    images = {
        compose["services"][name]["image"] for name in [*OURS, "migrate", "beat", "gateway", "seed"]
    }
    assert len(images) == 1


def test_the_yaml_is_tidy() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "yamllint", "--strict", COMPOSE],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_command_is_one_that_wishtree_knows(compose: dict[str, Any]) -> None:
    for name in [*OURS, "migrate", "beat", "gateway", "seed"]:
        command, *arguments = compose["services"][name]["command"]
        with main.commands[command].make_context(command, list(arguments)):
            pass


def test_every_role_of_every_service_runs_for_that_service(compose: dict[str, Any]) -> None:
    for name in OURS:
        service, role = name.rsplit("-", 1)
        assert compose["services"][name]["command"][:2] == [role, service]


def test_every_setting_is_one_that_is_read(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for variable in service.get("environment", {}):
            if variable.startswith("WISHTREE_"):
                field = variable.removeprefix("WISHTREE_").removesuffix("_FILE").lower()
                assert field in Settings.model_fields, f"{name}: {variable}"


def test_a_secret_comes_from_a_file_that_its_role_was_given(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        given = set(service.get("secrets", []))
        assert given <= set(compose["secrets"]), name
        for variable, value in service.get("environment", {}).items():
            if variable.endswith("_FILE"):
                assert value.startswith("/run/secrets/"), (name, variable)
                assert value.removeprefix("/run/secrets/") in given, (name, variable)
            else:
                assert not any(word in variable for word in SECRET_WORDS), (name, variable)


def test_a_service_is_given_no_other_services_database_or_broker_user(
    compose: dict[str, Any],
) -> None:
    for name in OURS:
        service = name.rsplit("-", 1)[0]
        others = set(SERVICES) - {service}
        of_others = {f"{other}_{url}" for other in others for url in ("database_url", "broker_url")}
        given = set(compose["services"][name]["secrets"])
        assert not given & (of_others | OF_THE_OWNER)
        assert ("signing_key" in given) == (service == "registration")


def test_only_the_ingress_takes_a_port_of_the_host_so_the_rest_can_be_scaled(
    compose: dict[str, Any],
) -> None:
    for name, service in compose["services"].items():
        assert ("ports" in service) == (name == "ingress")
        assert "container_name" not in service


def test_our_processes_wait_for_the_migration(compose: dict[str, Any]) -> None:
    for name in [*OURS, "beat"]:
        waits = compose["services"][name]["depends_on"]
        assert waits["migrate"] == {"condition": "service_completed_successfully"}
        assert name.endswith("-api") or waits["rabbitmq"] == {"condition": "service_healthy"}


def test_our_processes_get_the_time_to_finish_and_no_rights(compose: dict[str, Any]) -> None:
    for name in [*OURS, "beat", "gateway", "migrate"]:
        service = compose["services"][name]
        assert service["stop_grace_period"] == "10s"
        assert service["cap_drop"] == ["ALL"] and service["read_only"] is True


FOR_TURNS = 1  #: connections of a process, besides its pool


@pytest.mark.check("L3")
def test_all_processes_together_leave_connections_to_spare(compose: dict[str, Any]) -> None:
    """Each holds a full pool for each database that it knows, and PostgreSQL takes all of them."""
    services = [compose["services"][name] for name in [*OURS, "beat", "gateway", "operator"]]
    pools = sum(
        variable.endswith("DATABASE_URL_FILE")
        for service in services
        for variable in service["environment"]
    )
    command = compose["services"]["postgres"]["command"]
    most = int(next(word for word in command if "max_connections" in word).partition("=")[2])
    pool_size = Settings.model_fields["database_pool_size"].default
    assert pools == len(OURS) + 2 * len(SERVICES)
    assert pools * (pool_size + FOR_TURNS) <= 0.8 * most


@pytest.mark.check("L3")
def test_all_processes_of_one_machine_leave_connections_to_spare(tmp_path: Path) -> None:
    pool_size = Settings.model_fields["database_pool_size"].default
    for mode in ("embedded", "real"):
        processes = processes_of(Place(mode, tmp_path, 8000))
        pools = sum(_pools_of(process.argv[3:]) for process in processes)
        assert pools >= 3 * len(SERVICES)
        assert pools * (pool_size + FOR_TURNS) <= 0.8 * LOCAL_CONNECTIONS


def _pools_of(command: Sequence[str]) -> int:
    """How many databases a `wishtree` command knows."""
    if command[0] == "gateway":
        return 0
    return len(SERVICES) if command[0] == "beat" or command[1] == "all" else 1


def test_an_api_has_more_threads_than_connections() -> None:
    """Else its pool is never empty, and a frozen database holds all of its threads."""
    assert Settings.model_fields["database_pool_size"].default < API_THREADS


def test_each_role_is_healthy_only_while_its_own_loops_turn(compose: dict[str, Any]) -> None:
    """An API must not be restarted because a bus is away, nor a bus because an API is."""
    for name in [*OURS, "beat"]:
        address = compose["services"][name]["healthcheck"]["test"][-1]
        if name.endswith("-api"):
            assert address.endswith(f"/{name.removesuffix('-api')}/readyz")
        else:
            assert address == "http://127.0.0.1:9100/healthz"
            assert compose["services"][name]["environment"]["WISHTREE_METRICS_PORT"] == 9100


def test_every_mounted_file_exists(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), source


def test_the_ingress_also_answers_to_its_name_before(compose: dict[str, Any]) -> None:
    assert compose["services"]["ingress"]["networks"]["default"]["aliases"] == ["door"]
