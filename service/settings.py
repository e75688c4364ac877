"""The one frozen settings tree: defaults < TOML file < environment. Nobody else reads the environment.

`load()` is called once, by the composition root and the commands. A mistake anywhere stops the start with a
`SettingsError` that names the place and what to write there.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from service.auth.kinds import LoginSettings
from service.model import SiteKey

PREFIX = "GATEPOST_"
CONFIG_VARIABLE = "GATEPOST_CONFIG"
DEFAULT_FILE = Path("gatepost.toml")
SITE_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class SettingsError(Exception):
    """The configuration cannot be used. Its text is one line per mistake, each with the place and the fix."""


class Section(BaseModel):
    """A table of the configuration: unknown keys are mistakes, values never change after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _rate(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,6}/(second|minute|hour)", text):
        raise ValueError('write it as "count/second", "count/minute" or "count/hour", for example "10/minute"')
    return text


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.username or f"{parts.scheme}://{parts.netloc}" != text:
        raise ValueError('write an origin as "https://blog.example": scheme and host (and port), nothing after it')
    return text.lower()


def _list_from_text(value: object) -> object:
    """A list may come from the environment as JSON or as words with commas between them."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


Rate = Annotated[str, AfterValidator(_rate)]
Origin = Annotated[str, AfterValidator(_origin)]
Words = Annotated[tuple[str, ...], BeforeValidator(_list_from_text)]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(_list_from_text)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_list_from_text)]


class Server(Section):
    """Where the service listens, whom it believes, and how it stops."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    trusted_proxies: Networks = ()
    drain_seconds: float = Field(5.0, ge=0, le=300)
    grace_seconds: float = Field(20.0, gt=0, le=300)
    header_seconds: float = Field(10.0, gt=0, le=300)
    body_seconds: float = Field(15.0, gt=0, le=300)
    keepalive_seconds: float = Field(75.0, gt=0, le=3600)
    write_seconds: float = Field(60.0, gt=0, le=3600)
    max_connections: int = Field(10_000, ge=1)
    max_connections_per_address: int = Field(200, ge=1)


class Database(Section):
    """Where comments are kept."""

    url: str = "sqlite:///gatepost.db"
    readers: int = Field(4, ge=1, le=64)
    busy_seconds: float = Field(5.0, ge=0, le=60)

    @model_validator(mode="after")
    def _known_scheme(self) -> "Database":
        if not self.url.startswith("sqlite:///"):
            raise ValueError('url: write "sqlite:///path/to/gatepost.db"')
        return self


class Limits(Section):
    """How much one author or one address may ask for."""

    enabled: bool = True
    submit_per_author: Rate = "10/minute"
    submit_per_address: Rate = "60/minute"
    read_per_address: Rate = "600/minute"


class Log(Section):
    """What the service says about itself, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Cache(Section):
    """What shared caches between Gatepost and readers may keep."""

    s_maxage_seconds: int = Field(0, ge=0, le=86_400)
    stale_while_revalidate_seconds: int = Field(0, ge=0, le=86_400)


class Roles(Section):
    """Which values of the role claim make somebody a moderator or an admin of the site."""

    claim: str = Field("roles", min_length=1)
    moderator: Words = ("moderator", "editor")
    admin: Words = ("admin",)


class Site(Section):
    """One blog."""

    name: str = Field(min_length=1, max_length=200)
    origins: Origins = ()
    login_url: str | None = None
    premoderate: bool = True
    max_body_length: int = Field(10_000, ge=1, le=10_000)
    max_depth: int = Field(32, ge=0, le=64)
    edit_window_seconds: int = Field(900, ge=0)
    duplicate_window_seconds: int = Field(86_400, ge=0)
    roles: Roles = Roles()
    login: tuple[LoginSettings, ...] = ()
    _key: SiteKey = PrivateAttr(SiteKey(""))

    @property
    def key(self) -> SiteKey:
        """The site's name in addresses: the key of its table in the configuration."""
        return self._key

    @model_validator(mode="after")
    def _logins_have_their_own_names(self) -> "Site":
        names = [login.name or login.kind for login in self.login]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f'two logins are called "{doubled[0]}": give each [[login]] its own `name`')
        if self.login_url is not None and urlsplit(self.login_url).scheme not in {"http", "https"}:
            raise ValueError("login_url: write an http(s) address; {url} in it becomes the page to come back to")
        return self


class _Environment(EnvSettingsSource):
    """The environment, with list values written plainly (`a,b`) left to the validators."""

    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
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
    database: Database = Database()
    limits: Limits = Limits()
    log: Log = Log()
    cache: Cache = Cache()
    sites: dict[str, Site] = {}

    @model_validator(mode="after")
    def _site_keys(self) -> "Settings":
        for key, site in self.sites.items():
            site._key = SiteKey(key)
            if not SITE_KEY.fullmatch(key):
                raise ValueError(f"sites.{key}: a site's name is 1-63 of a-z, 0-9 and '-', not starting with '-'")
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
        return (_Environment(settings_cls), init_settings)


def load(path: Path | None = None) -> Settings:
    """The settings from `path` (else `$GATEPOST_CONFIG`, else `gatepost.toml` where there is one) and the environment.

    Raises SettingsError when a file is missing or anything in it or in the environment is not understood.
    """
    chosen = path or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    if chosen is None and DEFAULT_FILE.exists():
        chosen = DEFAULT_FILE
    return parse(_read(chosen) if chosen else {}, source=str(chosen) if chosen else "environment")


def parse(values: Mapping[str, Any], *, source: str = "settings") -> Settings:
    """Settings from a mapping shaped like the file, with the environment on top. Raises SettingsError."""
    _refuse_unknown_variables(os.environ)
    try:
        return Settings(**values)
    except ValidationError as error:
        lines = [f"{source}: {_place(item['loc'])}: {item['msg'].removeprefix('Value error, ')}" for item in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}): name an existing file with --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    for variable in sorted(environment):
        section = variable.removeprefix(PREFIX).split("__")[0].lower()
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE and section not in Settings.model_fields:
            known = ", ".join(f"{PREFIX}{name.upper()}__..." for name in Settings.model_fields)
            raise SettingsError(f"environment: {variable} is not a setting: remove it or correct its name ({known})")


def _place(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location) or "settings"
