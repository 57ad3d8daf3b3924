"""Settings, read once from the environment, prefix `WISHTREE_`. A bad value stops the start-up.

`WISHTREE_X_FILE` reads the value of `WISHTREE_X` from a file, for secrets. No secret has a working
default. A setting of one service is a field of its subclass in `services/<name>/settings.py`.
"""

import os
from pathlib import Path
from typing import Any, NoReturn, Self

from pydantic import Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "WISHTREE_"


class SettingsError(Exception):
    """A setting is missing or wrong. The text names the variable and what it should be."""


class SettingMissing(SettingsError):
    """A setting that is needed here was not given."""


def _settings_error(error: ValidationError) -> SettingsError:
    first = error.errors()[0]
    variable = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
    return SettingsError(f"{variable}: {first['msg']} (got {first.get('input')!r}).")


class _FromFiles(PydanticBaseSettingsSource):
    """Reads `WISHTREE_X` from the file that `WISHTREE_X_FILE` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{PREFIX}{field_name.upper()}_FILE"
        path = os.environ.get(variable)
        if path is None:
            return None, field_name, False
        try:
            return Path(path).read_text().strip(), field_name, False
        except OSError as error:
            raise SettingsError(f"{variable}: cannot read {path} ({error.strerror}).") from error

    def __call__(self) -> dict[str, Any]:
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """Settings of every service. A laptop and a cluster differ in these alone."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: str | None = None  #: one PostgreSQL for all, a schema per service
    registration_database_url: str | None = None  #: overrides it for one service
    wishes_database_url: str | None = None
    rewards_database_url: str | None = None
    notify_database_url: str | None = None
    owner_database_url: str | None = None  #: the role that migrates; for `wishtree migrate` alone
    #: connections that one process may hold per service. Fewer than an API has threads: when all
    #: wait for the database, the others answer 503 soon instead of waiting too
    database_pool_size: int = Field(default=8, ge=1, le=100)
    database_pooler: bool = False  #: pgbouncer in transaction mode is in between
    #: after how many times a statement is prepared; "none": never (for pgbouncer before 1.21)
    database_prepare_threshold: int | None = Field(default=5, ge=0)
    broker_url: str = "amqp://localhost:5672//"

    public_url: str = "http://localhost:8000"  #: where people and venues reach the gateway
    registration_url: str = "http://localhost:8001"
    wishes_url: str = "http://localhost:8002"
    rewards_url: str = "http://localhost:8003"
    notify_url: str = "http://localhost:8004"
    page_seconds: float = Field(default=1.0, gt=0, le=30)  #: how long a page waits for a service
    #: requests of programs that a gateway has under way at one service; more wait a second
    requests_at_once: int = Field(default=10, ge=1, le=100)

    signing_key: str | None = None  #: PEM of an EC P-256 key; only registration signs
    data_key: str | None = None  #: base64 of 32 bytes; encrypts personal data and voucher codes
    registration_client_secret: str | None = None  #: of a service, for registration's tokens
    wishes_client_secret: str | None = None
    rewards_client_secret: str | None = None
    notify_client_secret: str | None = None

    embedded: bool = False  #: all on one machine: dev mailbox on, catch-up often
    testing: bool = False  #: allows the clock to be moved; never set it in production
    clock_offset_seconds: float = 0  #: only with `testing`
    log_level: str = "INFO"
    metrics_port: int | None = None  #: where a bus, worker or beat serves metrics; unset: nowhere
    loop_silent_seconds: float = Field(default=30, ge=1)  #: without a turn, a loop is called silent

    catch_up_every_seconds: int = Field(default=180, ge=1)
    catch_up_age_seconds: int = Field(default=60, ge=0)  #: younger events are left to the broker
    batch_size: int = Field(default=200, ge=1, le=5000)  #: events in one transaction
    webhook_test_networks: str = ""  #: CIDRs of our own that webhooks may reach, comma-separated

    @field_validator("database_prepare_threshold", mode="before")
    @classmethod
    def _none_is_never(cls, value: object) -> object:
        return None if value == "none" else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _FromFiles(settings_cls)

    @classmethod
    def read(cls, **overrides: Any) -> Self:
        """Read the environment, or raise SettingsError that names the variable."""
        try:
            settings = cls(**overrides)
        except ValidationError as error:
            raise _settings_error(error) from None
        if settings.clock_offset_seconds and not settings.testing:
            raise SettingsError(
                "WISHTREE_CLOCK_OFFSET_SECONDS: only tests may move the clock (WISHTREE_TESTING)."
            )
        return settings

    def database_url_of(self, service: str) -> str:
        """The application role's URL for one service's schema."""
        url: str | None = getattr(self, f"{service}_database_url") or self.database_url
        return url or missing(f"{service}_database_url", "a postgresql:// URL")

    def shares_its_role(self, service: str) -> bool:
        """Tell whether a service has no database URL of its own, so that others use its role."""
        return not getattr(self, f"{service}_database_url")

    def url_of(self, service: str) -> str:
        """Where a service answers inside the installation."""
        url: str = getattr(self, f"{service}_url")
        return url.rstrip("/")

    def client_secret_of(self, service: str) -> str:
        """What a service proves itself with at registration's token endpoint."""
        secret: str | None = getattr(self, f"{service}_client_secret")
        return secret or missing(f"{service}_client_secret", "the secret this service was given")


def missing(field: str, what: str) -> NoReturn:
    """Raise SettingMissing for a setting that is needed here and was not given."""
    raise SettingMissing(f"{PREFIX}{field.upper()} is not set: it should be {what}.")
