"""What an owner may write, in the file and in the environment, and what is said when it is wrong."""

import json
import os
import re
import tomllib
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from service import environment, settings, sources
from service.auth.login import BaseLogin
from service.settings import Settings, SettingsError

SECRET = "tell-nobody-tell-nobody-tell-nobody"
MANUAL = (Path(__file__).resolve().parent.parent / "docs" / "configuration.md").read_text(encoding="utf-8")
JSON_LOGIN = f'[{{"kind": "jwt", "algorithms": ["HS256"], "secret": "{SECRET}", "issuer": "i", "audience": "a"}}]'


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this machine, and no file, gets into a test."""
    for name in sources.variables_in(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.delenv("GATEPOST_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def login(**changes: Any) -> dict[str, Any]:
    usual = {"kind": "jwt", "algorithms": ["HS256"], "secret": SECRET, "issuer": "i", "audience": "a"}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def site(**changes: Any) -> dict[str, Any]:
    return {"sites": {"blog": {"name": "A blog", "login": [login()], **changes}}}


def found(effective: Settings, path: str) -> Any:
    """The value at a dotted path."""

    def step(value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return value[name]
        return value[int(name)] if isinstance(value, tuple) else getattr(value, name)

    value: Any = reduce(step, path.split("."), effective)
    return [str(item) for item in value] if isinstance(value, tuple) else value


# --- The environment --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        ("GATEPOST_SERVER__PORT", "9000", "server.port", 9000),
        ("gatepost_server__port", "9000", "server.port", 9000),
        ("GATEPOST_SERVER", '{"port": 9000}', "server.port", 9000),
        ("GATEPOST_SERVER__TRUSTED_PROXIES", "10.0.0.0/8", "server.trusted_proxies", ["10.0.0.0/8"]),
        ("GATEPOST_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1", "server.trusted_proxies", ["10.0.0.0/8", "::1/128"]),
        ("GATEPOST_SERVER__TRUSTED_PROXIES", '["127.0.0.1"]', "server.trusted_proxies", ["127.0.0.1/32"]),
        ("GATEPOST_SERVER__TRUSTED_PROXIES", "", "server.trusted_proxies", []),
        ("GATEPOST_DATABASE__URL", "sqlite:////data/g.db", "database.url", "sqlite:////data/g.db"),
        ("GATEPOST_LIMITS__ENABLED", "false", "limits.enabled", False),
        ("GATEPOST_LIMITS__SUBMIT_PER_AUTHOR", "3/hour", "limits.submit_per_author", "3/hour"),
        ("GATEPOST_SITES__BLOG__NAME", "12", "sites.blog.name", "12"),
        ("GATEPOST_SITES__BLOG__NAME", "[a] name", "sites.blog.name", "[a] name"),
        ("GATEPOST_SITES__BLOG__ORIGINS", "https://a,https://b", "sites.blog.origins", ["https://a", "https://b"]),
        ("GATEPOST_SITES__BLOG__ORIGINS", '["https://a"]', "sites.blog.origins", ["https://a"]),
        ("GATEPOST_SITES__BLOG__PREMODERATE", "no", "sites.blog.premoderate", False),
        ("GATEPOST_SITES__BLOG__ROLES__MODERATOR", "staff,crew", "sites.blog.roles.moderator", ["staff", "crew"]),
        ("GATEPOST_SITES__BLOG__LOGIN", JSON_LOGIN, "sites.blog.login.0.issuer", "i"),
        ("GATEPOST_SITES", '{"blog": {"name": "From JSON"}}', "sites.blog.name", "From JSON"),
        ("GATEPOST_SITES__NEW__NAME", "A second one", "sites.new.name", "A second one"),
        ("GATEPOST_SITES__MY_BLOG__NAME", "With a hyphen", "sites.my-blog.name", "With a hyphen"),
    ],
)
def test_variable_sets_what_its_name_spells(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, path: str, value: object
) -> None:
    monkeypatch.setenv(variable, text)
    assert found(settings.parse(site()), path) == value


def test_variable_wins_over_the_file_and_leaves_the_rest_of_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPOST_SITES__BLOG__NAME", "From the environment")
    effective = settings.parse(site(name="From the file", origins=["https://a"]))
    assert (found(effective, "sites.blog.name"), found(effective, "sites.blog.origins")) == (
        "From the environment",
        ["https://a"],
    )


@pytest.mark.parametrize("name", ["GATEPOST_BLOG_SECRET", "GATEPOST_SITES__BLOG__JWT_SECRET", "GATEPOST_SERVER__KEY"])
def test_secret_may_be_in_a_variable_of_any_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, SECRET)
    effective = settings.parse(site(login=[login(secret=None, secret_env=name)]))
    assert found(effective, "sites.blog.login.0.secret_env") == name


def test_only_settings_count_as_variables_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPOST_SERVER__PORT", "9000")
    monkeypatch.setenv("GATEPOST_BLOG_SECRET", SECRET)
    monkeypatch.setenv("GATEPOST_CONFIG", "elsewhere.toml")
    assert settings.variables_in_use() == ["GATEPOST_SERVER__PORT"]


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        (
            "GATEPOST_SERVER__PROT",
            SECRET,
            "is not a setting: remove it or correct its name (did you mean GATEPOST_SERVER__PORT?)",
        ),
        ("gatepost_server__prot", SECRET, "did you mean GATEPOST_SERVER__PORT?"),
        ("GATEPOST_SERVER_PORT", SECRET, "did you mean GATEPOST_SERVER__PORT?"),
        ("GATEPOST_SRVER__PORT", SECRET, "did you mean GATEPOST_SERVER?"),
        ("GATEPOST_ADMIN_MAIL", SECRET, "(known here: GATEPOST_BACKUP, GATEPOST_CACHE, GATEPOST_DATABASE, "),
        ("GATEPOST_SERVER____PORT", SECRET, "is not a setting"),
        ("GATEPOST_SERVER__PORT__HTTP", SECRET, "is not a setting"),
        ("GATEPOST_", SECRET, "is not a setting"),
        ("GATEPOST_SITES__BLOG__ORIGNS", SECRET, "did you mean GATEPOST_SITES__BLOG__ORIGINS?"),
        ("GATEPOST_SITES__MY_BLOG__ORIGNS", SECRET, "did you mean GATEPOST_SITES__MY_BLOG__ORIGINS?"),
        ("GATEPOST_SITES__BLOG__LOGIN__0__ISSUER", SECRET, "write it as JSON into GATEPOST_SITES__BLOG__LOGIN"),
        ("GATEPOST_SITES__BLOG__LOGIN", f'[{{"secret": "{SECRET}"', "is not JSON: Expecting ',' delimiter: line 1"),
        ("GATEPOST_SITES__BLOG__LOGIN", SECRET, "sites.blog.login: must be a list (tables: [[...]]"),
        (
            "GATEPOST_SITES__BLOG__ROLES",
            SECRET,
            "sites.blog.roles: must be a table (in the environment: a JSON object)",
        ),
        ("GATEPOST_SITES__BLOG__ORIGINS", f'["{SECRET}"', "is not JSON"),
        ("GATEPOST_SERVER__PORT", SECRET, "server.port: must be a whole number"),
        ("GATEPOST_SERVER__PORT", "", "server.port: must be a whole number"),
        ("GATEPOST_SERVER__PORT", "70000", "server.port: must be less than or equal to 65535"),
        ("GATEPOST_LIMITS__ENABLED", SECRET, "limits.enabled: must be true or false"),
        ("GATEPOST_LOG__LEVEL", SECRET, "log.level: must be 'debug', 'info', 'warning' or 'error'"),
        ("GATEPOST_SERVER__TRUSTED_PROXIES", SECRET, 'server.trusted_proxies.0: write a network as "10.0.0.0/8"'),
        ("GATEPOST_DATABASE__URL", f"mysql://u:{SECRET}@h/d", "database.url: write "),
        ("GATEPOST_SITES__MY__BLOG__NAME", SECRET, "is not a setting"),
        ("GATEPOST_SITES__-BLOG__NAME", SECRET, "a site's name is 1-63 of a-z, 0-9 and '-', not starting with '-'"),
        ("GATEPOST_PORT", "tcp://10.0.0.1:8080", "`enableServiceLinks: false`"),
        ("GATEPOST_PORT_8080_TCP_ADDR", "10.0.0.1", "`enableServiceLinks: false`"),
        ("GATEPOST_SERVICE_HOST", "10.0.0.1", "`enableServiceLinks: false`"),
        ("GATEPOST_SERVICE_PORT_HTTP", "8080", "`enableServiceLinks: false`"),
    ],
)
def test_wrong_variable_stops_the_start_with_its_name_and_the_fix(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, expected: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(SettingsError) as stop:
        settings.parse(site())
    assert str(stop.value).startswith(f"{variable}: ")
    assert expected in str(stop.value)
    assert SECRET not in str(stop.value)


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPOST_SERVER__PROT", "1")
    monkeypatch.setenv("GATEPOST_WHAT", "2")
    with pytest.raises(SettingsError) as stop:
        settings.parse({})
    assert [line.partition(":")[0] for line in str(stop.value).splitlines()] == [
        "GATEPOST_SERVER__PROT",
        "GATEPOST_WHAT",
    ]


# --- The file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://blog.example", "https://blog.example"),
        ("HTTPS://Blog.Example", "https://blog.example"),
        ("https://blog.example:443", "https://blog.example"),
        ("http://blog.example:80", "http://blog.example"),
        ("https://blog.example:8443", "https://blog.example:8443"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        (" https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_origin_is_kept_as_browsers_send_it(written: str, kept: str) -> None:
    assert found(settings.parse(site(origins=[written])), "sites.blog.origins") == [kept]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" https://blog.example/comments/ ", "https://blog.example/comments"),
        ("https://blog.example/café", "https://blog.example/caf%C3%A9"),
        ("https://blog.example/a%20b/(c)", "https://blog.example/a%20b/(c)"),
        ("http://[::1]:8080/{a}", "http://[::1]:8080/%7Ba%7D"),
    ],
)
def test_public_url_is_kept_as_headers_can_say_it(written: str, kept: str) -> None:
    assert found(settings.parse({**site(), "server": {"public_url": written}}), "server.public_url") == kept


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"server": {"prot": 1}},
            "file: server.prot: is not a setting: remove it or correct its name (did you mean port?)",
        ),
        ({"sevrer": {}}, "file: sevrer: is not a setting: remove it or correct its name (did you mean server?)"),
        ({"_env_file": SECRET}, "file: _env_file: is not a setting: remove it"),
        ({"server": 1}, "file: server: must be a table"),
        ({"server": {"port": True}}, "file: server.port: must be a number, not true or false"),
        ({"server": {"port": 80.5}}, "file: server.port: must be a whole number"),
        ({"server": {"host": 1}}, "file: server.host: must be text in quotes"),
        ({"server": {"host": ""}}, "file: server.host: must not be empty"),
        ({"server": {"drain_seconds": -1}}, "file: server.drain_seconds: must be greater than or equal to 0"),
        ({"server": {"drain_seconds": float("nan")}}, "file: server.drain_seconds: "),
        ({"server": {"trusted_proxies": [1]}}, 'file: server.trusted_proxies.0: write a network as "10.0.0.0/8"'),
        ({"server": {"trusted_proxies": ["10.0.0.1/8"]}}, "no bits set after the 8"),
        *(
            ({"database": {"url": f"postgresql://{rest}"}}, "file: database.url: write an address as")
            for rest in ("u:pa/ss@db/g", "u:p@ss@db/g", "u:pa#ss@db/g", "u:p?ss@db/g", "u:p:q@[::1/g", "db:port/g")
        ),
        ({"database": {"url": "gatepost.db"}}, 'file: database.url: write "sqlite:///path/to/gatepost.db"'),
        ({"database": {"url": "sqlite:///"}}, "file: database.url: write "),
        ({"database": {"url": "sqlite:///:memory:"}}, "file: database.url: write "),
        ({"limits": {"submit_per_author": "ten"}}, 'file: limits.submit_per_author: write it as "count/second"'),
        ({"limits": {"submit_per_author": "0/minute"}}, 'for example "10/minute"'),
        ({"log": {"format": "xml"}}, "file: log.format: must be 'json' or 'console'"),
        ({"sites": {"blog": {}}}, "file: sites.blog.name: is required: add it"),
        ({"sites": {"Blog": {"name": "x"}}}, "file: sites.Blog: a site's name is 1-63 of a-z"),
        ({"sites": {"a" * 64: {"name": "x"}}}, "a site's name is 1-63 of a-z"),
        (site(origins=["https://a/"]), 'file: sites.blog.origins.0: write an origin as "https://blog.example"'),
        (site(origins=["*"]), "file: sites.blog.origins.0: write an origin"),
        (site(origins=["null"]), "file: sites.blog.origins.0: write an origin"),
        (site(origins=["https://ada:pw@a"]), "file: sites.blog.origins.0: write an origin"),
        (site(origins=["https://a:99999"]), "file: sites.blog.origins.0: write an origin"),
        (site(origins=["https://[a"]), "file: sites.blog.origins.0: write an origin"),
        (site(origins=["https://bücher.example"]), "in ASCII"),
        (site(origins=["https://*.example"]), "file: sites.blog.origins.0: name each host"),
        (site(origins=["https://a,b"]), "file: sites.blog.origins.0: name each host"),
        (site(origins=["https://a b"]), "file: sites.blog.origins.0: write an origin"),
        (site(login_url="https://a/b c"), "file: sites.blog.login_url: write an address"),
        (site(login_url='https://a/"><b>'), "file: sites.blog.login_url: write an address"),
        ({"server": {"public_url": "https://a/b c"}}, "file: server.public_url: write an address"),
        ({"server": {"public_url": "https://bücher.example"}}, "file: server.public_url: write the host as browsers"),
        (
            site(login_url="/login"),
            'file: sites.blog.login_url: write an address as "https://blog.example/login?next={url}"',
        ),
        (site(login_url="https://a/{next}"), "{url} becomes the page to come back to"),
        (site(login_url="https://a/{"), "{url} becomes the page to come back to"),
        (site(login_url="javascript:alert(1)"), "file: sites.blog.login_url: "),
        ({"server": {"public_url": "blog.example"}}, 'file: server.public_url: write an address as "https://comments.'),
        ({"server": {"public_url": "https://a/?b=1"}}, "file: server.public_url: write an address"),
        ({"server": {"public_url": "https://a/#b"}}, "file: server.public_url: write an address"),
        (site(max_body_length=10_001), "file: sites.blog.max_body_length: must be less than or equal to 10000"),
        (site(edit_window_seconds=True), "file: sites.blog.edit_window_seconds: must be a number, not true or false"),
        (site(roles={"moderator": 1}), "file: sites.blog.roles.moderator: must be a list"),
        (site(login=login()), "file: sites.blog.login: must be a list (tables: [[...]] above each"),
        (site(login=[login(), login()]), 'two logins are called "jwt": give each [[login]] its own `name`'),
        (site(login=[login(kind=None)]), "file: sites.blog.login.0: needs a `kind`: add it"),
        (site(login=[login(kind=SECRET)]), "file: sites.blog.login.0: 'kind' must be one of 'jwt', "),
        (site(login=[login(isuer="x")]), "file: sites.blog.login.0.isuer: is not a setting"),
        (site(login=[login(issuer=None)]), "file: sites.blog.login.0.issuer: is required: add it"),
        (site(login=[login(secret_env="X")]), "give exactly one of secret_env, secret_file, secret"),
        (site(login=[login(algorithms=["none"])]), "an unsigned token proves nothing"),
        (site(login=[login(algorithms=["RS256"])]), "RS256 needs a public key (public_key_file), not secret"),
        (site(login=[login(claims={"sub": "x"})]), "file: sites.blog.login.0.claims.sub: is not a setting"),
    ],
)
def test_mistake_in_the_file_is_answered_with_its_place_and_the_fix(values: dict[str, Any], expected: str) -> None:
    with pytest.raises(SettingsError) as stop:
        settings.parse(values, source="file")
    assert expected in str(stop.value)
    assert SECRET not in str(stop.value)


def test_every_mistake_has_its_line() -> None:
    with pytest.raises(SettingsError) as stop:
        settings.parse({"server": {"port": "x"}, "log": {"level": "x"}}, source="file")
    assert len(str(stop.value).splitlines()) == 2


def test_mistake_is_put_down_to_the_variable_that_made_it_and_not_to_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPOST_SITES__BLOG__ORIGINS", "https://a/b")
    with pytest.raises(SettingsError) as stop:
        settings.parse(site(login_url="nowhere"), source="file")
    assert sorted(line.partition(":")[0] for line in str(stop.value).splitlines()) == [
        "GATEPOST_SITES__BLOG__ORIGINS",
        "file",
    ]


# --- Finding the file -------------------------------------------------------------------------------------------------


def test_defaults_hold_where_there_is_neither_file_nor_variable() -> None:
    assert settings.load() == Settings()
    assert settings.file_for(None) is None


def test_file_in_the_working_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / "gatepost.toml").write_text("[server]\nport = 9001\n")
    assert settings.load().server.port == 9001


def test_file_in_the_variable_is_read_before_that_and_the_named_one_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, port in (("gatepost.toml", 9001), ("second.toml", 9002), ("third.toml", 9003)):
        (tmp_path / name).write_text(f"[server]\nport = {port}\n")
    monkeypatch.setenv("GATEPOST_CONFIG", str(tmp_path / "second.toml"))
    assert settings.load().server.port == 9002
    assert settings.load(tmp_path / "third.toml").server.port == 9003


def test_empty_variable_names_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPOST_CONFIG", "")
    assert settings.load() == Settings()


def test_byte_order_mark_of_a_windows_editor_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "gatepost.toml").write_bytes(b"\xef\xbb\xbf[server]\nport = 9001\n")
    assert settings.load().server.port == 9001


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"[server]\nhost = {SECRET}\n", "is not TOML: Invalid value (at line 2, column 8)"),
        (f'[server]\nhost = "{SECRET}\n', "(at line 2, column"),
        (f"[server]\n{SECRET}\n", "(at line 2, column"),
        ("[server]\nport = 1\nport = 2\n", "(at line 3, column"),
        ("[server]\nprot = 1\n", "server.prot: is not a setting"),
    ],
)
def test_mistake_in_a_file_on_disk_is_answered_with_the_file_and_the_line(
    tmp_path: Path, content: str, expected: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(SettingsError) as stop:
        settings.load(path)
    assert str(stop.value).startswith(f"{path}: ")
    assert expected in str(stop.value)
    assert SECRET not in str(stop.value)


def test_file_that_may_not_be_read_is_answered_with_who_may_not(tmp_path: Path) -> None:
    path, owner = tmp_path / "mine.toml", os.geteuid()
    path.write_text("")
    path.chmod(0o000)
    if owner == 0:
        os.seteuid(65534)  # root may read everything
    try:
        with pytest.raises(SettingsError) as stop:
            sources.read(path)
        assert str(stop.value).startswith(f"{path}: cannot be read (Permission denied, as uid {os.geteuid()}): ")
    finally:
        os.seteuid(owner)


def test_empty_text_is_none_where_none_is_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files and units hand a variable that is not set down as an empty one."""
    for name in ("CACHE__PURGE__SECRET_HEADER", "CACHE__PURGE__SECRET_ENV", "LIMITS__SHARED", "BACKUP__DIRECTORY"):
        monkeypatch.setenv(f"GATEPOST_{name}", "")
    effective = settings.parse({"limits": {"shared": "redis://valkey"}})
    assert (effective.cache.purge, effective.limits.shared, effective.backup.directory) == (
        settings.Purge(),
        None,
        None,
    )


def test_file_that_is_no_text_is_answered_so(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b'[server]\nhost = "\xff"\n')
    with pytest.raises(SettingsError, match=r"mine\.toml: is not UTF-8 text \(byte 17\)"):
        settings.load(path)


@pytest.mark.parametrize(("name", "reason"), [("missing.toml", "No such file or directory"), ("", "Is a directory")])
def test_file_that_cannot_be_read_is_answered_with_its_name(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(SettingsError) as stop:
        settings.load(tmp_path / name)
    assert str(stop.value).startswith(str(tmp_path / name))
    assert f"cannot be read ({reason})" in str(stop.value)


# --- The tree itself --------------------------------------------------------------------------------------------------


def test_nothing_changes_after_the_start() -> None:
    effective = settings.parse(site())
    with pytest.raises(ValidationError):
        effective.server.port = 1  # type: ignore[misc]  # that it is forbidden is the point
    with pytest.raises(ValidationError):
        effective.sites["blog"].name = "x"  # type: ignore[misc]  # that it is forbidden is the point


def test_site_knows_the_key_of_its_table() -> None:
    assert settings.parse(site()).sites["blog"].key == "blog"


def test_secret_is_not_in_what_python_prints() -> None:
    assert SECRET not in repr(settings.parse(site()))


# --- The manual -------------------------------------------------------------------------------------------------------


Place = tuple[str, str]
"""A table of the configuration: its path, and the kind of login where it differs by kind."""
LOGIN = "sites.<site>.login"
LISTS_OF_TABLES = (LOGIN, "sites.<site>.webhooks", "sites.<site>.notices")


def tables(annotation: Any, path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every table of the configuration with its path."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield path, annotation
        for name, field in annotation.model_fields.items():
            yield from tables(field.annotation, f"{path}.{name}".strip("."))
    elif get_origin(annotation) is dict:
        yield from tables(get_args(annotation)[1], f"{path}.<site>")
    else:
        for inner in get_args(annotation):
            yield from tables(inner, path)


def fields_of_the_code() -> dict[Place, dict[str, FieldInfo]]:
    """All settings by table; what every login has stands under no kind."""
    known: dict[Place, dict[str, FieldInfo]] = {}
    for path, model in tables(Settings, ""):
        shared = set(BaseLogin.model_fields) if path == LOGIN else set()
        for name, field in model.model_fields.items():
            if list(tables(field.annotation, "")):
                continue  # a table of its own
            kind = model.model_fields["kind"].default if path == LOGIN and name not in shared else ""
            known.setdefault((path, kind), {})
            known[path, kind].setdefault(field.alias or name, BaseLogin.model_fields[name] if name in shared else field)
    return known


def sections_of_the_manual() -> dict[Place, str]:
    """The sections about a table, by what their headings name."""
    found: dict[Place, str] = {}
    for section in re.split(r"^## ", MANUAL, flags=re.MULTILINE)[1:]:
        heading = section.splitlines()[0]
        path, kind = re.search(r"`\[+([^`\]]+)\]+`", heading), re.match(r"Login kind `(\w+)`", heading)
        if path is not None:
            found[path[1], kind[1] if kind else ""] = section
    return found


FIELDS = fields_of_the_code()
SECTIONS = sections_of_the_manual()
ROWS = [
    (place, dict(zip(("name", "type", "default", "environment", "meaning"), cells, strict=True)))
    for place, section in SECTIONS.items()
    for line in re.findall(r"^\| `.*\|$", section, flags=re.MULTILINE)
    for cells in [line.strip("| ").split(" | ")]
    for cells in [cells if len(cells) == 5 else [*cells[:3], "", cells[3]]]
]


def shown_default(field: FieldInfo) -> str:
    """A default as the manual writes it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    shown = f"{value:g}" if isinstance(value, float) else json.dumps(value)
    return f"`{shown}`"


def test_manual_and_code_have_the_same_settings() -> None:
    documented: dict[Place, set[str]] = {}
    for place, row in ROWS:
        documented.setdefault(place, set()).add(row["name"].strip("`"))
    assert documented == {place: set(fields) for place, fields in FIELDS.items()}


@pytest.mark.parametrize(("place", "row"), ROWS, ids=lambda part: part["name"] if isinstance(part, dict) else part[0])
def test_manual_says_the_default_the_variable_and_an_example(place: Place, row: dict[str, str]) -> None:
    path, _ = place
    name = row["name"].strip("`")
    assert row["default"] == shown_default(FIELDS[place][name])
    if not path.startswith(LISTS_OF_TABLES):
        assert row["environment"] == f"`{environment.variable_for([*path.replace('<site>', 'blog').split('.'), name])}`"
    examples = "\n".join(re.findall(r"^```toml\n(.*?)^```", SECTIONS[place], flags=re.MULTILINE | re.DOTALL))
    assert re.search(rf"^(# )?{name} = ", examples, flags=re.MULTILINE)
    assert row["type"]
    assert row["meaning"]


@pytest.mark.parametrize("number", range(MANUAL.count("```toml")))
def test_example_of_the_manual_is_a_configuration_without_a_mistake(number: int) -> None:
    example = re.findall(r"^```toml\n(.*?)^```", MANUAL, flags=re.MULTILINE | re.DOTALL)[number]
    settings.parse(tomllib.loads(example))


def test_manual_names_every_kind_of_login() -> None:
    (kinds,) = (row["type"] for place, row in ROWS if place == (LOGIN, "") and row["name"] == "`kind`")
    assert set(re.findall(r"`(\w+)`", kinds)) == {kind for path, kind in FIELDS if path == LOGIN and kind}


@pytest.mark.parametrize(
    "rest",
    [
        "gatepost:p%40ss%2F@db:5432/gatepost?sslmode=require",
        "gatepost@postgres:5432/gatepost",
        "[::1]:5432/g",
        "one:5432,two:5433/g?target_session_attrs=read-write",
        "/g?host=/run/postgresql",
        "db/g?user=gatepost@server&password=a/b",
    ],
)
def test_every_address_that_libpq_understands_is_taken(rest: str) -> None:
    assert settings.parse({"database": {"url": f"postgresql://{rest}"}}).database.url == f"postgresql://{rest}"
