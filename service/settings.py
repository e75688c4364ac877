"""The one frozen settings tree: defaults < TOML file < environment. `sources` finds and reads both.

`load()` is called once, by the composition root and the commands. A mistake anywhere stops the start with a
`SettingsError` that names the place and what to write there, and never shows a value: it may be a secret.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field, PrivateAttr, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from service import ask_health, environment, mistakes, sources
from service.auth.kinds import LoginSettings
from service.model import SiteKey, SiteRules
from service.notice_settings import NoticeSettings
from service.section import Section
from service.sources import PREFIX, Steps
from service.sources import SettingsError as SettingsError
from service.sources import file_for as file_for
from service.values import (
    DatabaseUrl,
    LoginUrl,
    Networks,
    Origins,
    PublicUrl,
    PurgeUrl,
    Rate,
    Seconds,
    SharedStore,
    SiteName,
    TimeZone,
    Whole,
    Words,
)
from service.webhook_settings import WebhookSettings

HEADER_NAME = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"
"""RFC 9110, 5.1."""
LONGEST_SECONDS = 100 * 366 * 86_400


class Server(Section):
    """Where the service listens, whom it believes, and how it stops."""

    host: str = Field(sources.DEFAULT_HOST, min_length=1)
    port: Whole = Field(sources.DEFAULT_PORT, ge=0, le=sources.LAST_PORT)
    public_url: PublicUrl | None = None
    trusted_proxies: Networks = ()
    drain_seconds: Seconds = Field(5.0, ge=0, le=300)
    grace_seconds: Seconds = Field(20.0, gt=0, le=300)
    header_seconds: Seconds = Field(10.0, gt=0, le=300)
    body_seconds: Seconds = Field(15.0, gt=0, le=300)
    keepalive_seconds: Seconds = Field(75.0, gt=0, le=3600)
    write_seconds: Seconds = Field(60.0, gt=0, le=3600)
    max_connections: Whole = Field(10_000, ge=1)
    max_connections_per_address: Whole = Field(200, ge=1)

    @property
    def address(self) -> str:
        """Where it is reached: from outside, where that is known, else from this machine."""
        return self.public_url or ask_health.address_of(self.host, self.port)


class DatabaseSettings(Section):
    """Where comments are kept."""

    url: DatabaseUrl = "sqlite:///gatepost.db"
    readers: Whole = Field(4, ge=1, le=64)
    busy_seconds: Seconds = Field(5.0, ge=0, le=60)
    statement_seconds: Seconds = Field(10.0, gt=0, le=600)
    prepared_statements: bool = True


class BackupSettings(Section):
    """Where backups go, how often, and how many stay. Off without a directory."""

    directory: str | None = Field(None, min_length=1)
    every_hours: Whole = Field(24, ge=1, le=8760)
    keep: Whole = Field(7, ge=1, le=10_000)


class RetentionSettings(Section):
    """How long what grows with the blog's age stays. 0: for ever."""

    events_days: Whole = Field(0, ge=0, le=36_600)


class Limits(Section):
    """How much one author, moderator or address may ask for, and all readers of a site together."""

    enabled: bool = True
    submit_per_author: Rate = "10/minute"
    submit_per_address: Rate = "60/minute"
    submit_per_site: Rate | None = None
    read_per_address: Rate = "600/minute"
    moderate_per_caller: Rate = "600/minute"
    sign_in_per_address: Rate = "10/minute"
    shared: SharedStore | None = None


class Log(Section):
    """What the service says about itself, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Purge(Section):
    """Which cache to tell what is out of date, and how. Off without an address."""

    url: PurgeUrl | None = None
    method: str = Field("PURGE", pattern=r"^[A-Z]{1,20}$")
    header: str = Field("Surrogate-Key", pattern=HEADER_NAME)
    secret_header: str | None = Field(None, pattern=HEADER_NAME)
    secret_env: str | None = None
    secret_file: Path | None = None
    timeout_seconds: Seconds = Field(5.0, gt=0, le=60)

    @model_validator(mode="after")
    def _one_secret(self) -> "Purge":
        given = [place for place in (self.secret_env, self.secret_file) if place is not None]
        if len(given) != (0 if self.secret_header is None else 1):
            raise ValueError("give secret_header together with one of secret_env, secret_file; or none of them")
        return self


class Cache(Section):
    """How much the service keeps in memory, and what shared caches between it and readers may keep."""

    max_megabytes: Whole = Field(48, ge=1, le=65_536)
    s_maxage_seconds: Whole = Field(0, ge=0, le=86_400)
    stale_while_revalidate_seconds: Whole = Field(0, ge=0, le=86_400)
    purge: Purge = Purge()


class Roles(Section):
    """Which values of the role claim make somebody a moderator or an admin of the site."""

    claim: str = Field("roles", min_length=1)
    moderator: Words = ("moderator", "editor")
    admin: Words = ("admin",)


class Site(Section):
    """One blog."""

    name: str = Field(min_length=1, max_length=200)
    origins: Origins = ()
    login_url: LoginUrl | None = None
    premoderate: bool = True
    max_body_length: Whole = Field(10_000, ge=1, le=10_000)
    max_depth: Whole = Field(32, ge=0, le=64)
    edit_window_seconds: Whole = Field(900, ge=0, le=LONGEST_SECONDS)
    duplicate_window_seconds: Whole = Field(86_400, ge=0, le=LONGEST_SECONDS)
    roles: Roles = Roles()
    login: tuple[LoginSettings, ...] = ()
    webhooks: tuple[WebhookSettings, ...] = ()
    notices: tuple[NoticeSettings, ...] = ()
    time_zone: TimeZone = "UTC"
    _key: SiteKey = PrivateAttr(SiteKey(""))

    @cached_property
    def key(self) -> SiteKey:
        """The site's name in addresses: the key of its table in the configuration."""
        return self._key  # remembered, because pydantic's look-up of a private attribute costs a microsecond

    @cached_property
    def rules(self) -> SiteRules:
        """What verbs must know of the site."""
        return SiteRules(**{part.name: getattr(self, part.name) for part in fields(SiteRules)})

    def login_page(self, back_to: str | None) -> str | None:
        """Where a reader logs in (None: the site does not say) to come back to the page `back_to`."""
        if self.login_url is None:
            return None
        return self.login_url.replace("{url}", quote(back_to or "", safe="", errors="replace"))

    @model_validator(mode="after")
    def _each_has_its_own_name(self) -> "Site":
        for kind, names in (
            ("login", [login.name or login.kind for login in self.login]),
            ("webhooks", [webhook.name for webhook in self.webhooks]),
            ("notices", [notice.name for notice in self.notices]),
        ):
            doubled = sorted({name for name in names if names.count(name) > 1})
            if doubled:
                called = f'two {kind.removesuffix("s")}s are called "{doubled[0]}"'
                raise ValueError(f"{called}: give each [[{kind}]] its own `name`")
        return self


class _Environment(EnvSettingsSource):
    """Some variables of the environment, with list values written plainly (`a,b`) left to the validators."""

    def __init__(self, settings: type[BaseSettings], variables: Mapping[str, Steps]) -> None:
        super().__init__(settings)
        self.env_vars = {(PREFIX + "__".join(steps)).lower(): os.environ[name] for name, steps in variables.items()}

    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
        """JSON where it is JSON; the text itself otherwise."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class Settings(BaseSettings):
    """Everything an owner can set. `docs/configuration.md` explains each value."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    server: Server = Server()
    database: DatabaseSettings = DatabaseSettings()
    backup: BackupSettings = BackupSettings()
    retention: RetentionSettings = RetentionSettings()
    limits: Limits = Limits()
    log: Log = Log()
    cache: Cache = Cache()
    sites: dict[SiteName, Site] = {}

    @model_validator(mode="after")
    def _sites_know_their_keys(self) -> "Settings":
        for key, site in self.sites.items():
            site._key = SiteKey(key)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file: `load()` hands the file in as the initial values."""
        return (_Environment(settings_cls, _variables(init_settings())), init_settings)


def load(path: Path | None = None) -> Settings:
    """The settings from `path` (else `$GATEPOST_CONFIG`, else `gatepost.toml` where there is one) and the environment.

    Raises SettingsError when a file is missing or anything in it or in the environment is not understood.
    """
    chosen = file_for(path)
    return parse(sources.read(chosen) if chosen else {}, source=str(chosen) if chosen else "settings")


def variables_in_use() -> list[str]:
    """The names of the environment variables that are settings."""
    found = sources.variables_in(os.environ)
    return [name for name, steps in found.items() if environment.is_setting(steps, Settings)]


def parse(values: Mapping[str, Any], *, source: str = "settings") -> Settings:
    """Settings from a mapping shaped like the file, with the environment on top. Raises SettingsError."""
    variables = _variables(values)
    wrong = [
        f"{name}: {mistake}"
        for name, steps in variables.items()
        if (mistake := environment.mistake_in(name, steps, text=os.environ[name], model=Settings)) is not None
    ]
    # pydantic-settings takes names like `_env_file` for instructions to itself.
    wrong += [f"{source}: {name}: is not a setting: remove it" for name in values if name.startswith("_")]
    if wrong:
        raise SettingsError("\n".join(wrong))
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError("\n".join(_lines(error, source, variables))) from None


def _variables(values: Mapping[str, Any]) -> dict[str, Steps]:
    """Every variable that claims to be a setting; no secret, which may be called anything. `values`: the file's."""
    found = sources.variables_in(os.environ)
    for name in environment.secrets_named_in([values, _Environment(Settings, found)()]):
        found.pop(name, None)
    return found


def _lines(error: ValidationError, source: str, variables: Mapping[str, Steps]) -> Iterator[str]:
    """One line per mistake: which file or variable, where in it, what to write."""
    for item in mistakes.each(error):
        location = tuple(str(step) for step in item["loc"] if step != "[key]")
        is_about_a_name = location != tuple(map(str, item["loc"]))
        setters = [
            name
            for name, steps in variables.items()
            if location[: len(steps)] == steps or (is_about_a_name and steps[: len(location)] == location)
        ]
        where = setters[0] if setters and item["type"] != "missing" else source
        yield ": ".join(filter(None, (where, mistakes.place(item["loc"], Settings), mistakes.sentence(item, Settings))))
