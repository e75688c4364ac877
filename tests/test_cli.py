"""The commands themselves, in processes of their own as operators start them.

Tables of mistakes call the same entry point in this process: they end before there is anything to start.
"""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import yaml

from service import cli, settings, sources
from service.store import migrate

ROOT = Path(__file__).resolve().parent.parent
SECRET = "a-secret-that-no-output-may-ever-hold"
CONFIGURATION = f"""
[server]
port = 0
drain_seconds = 0
trusted_proxies = ["127.0.0.1"]

[sites.blog]
name = "A blog"
origins = ["https://blog.example"]
login_url = "https://blog.example/login?next={{url}}"

[[sites.blog.login]]
kind = "jwt"
algorithms = ["HS256"]
secret = "{SECRET}"
issuer = "https://blog.example"
audience = "gatepost"
"""
MANUAL = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
PATIENCE_SECONDS = 30
Finished = subprocess.CompletedProcess[str]


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """What a command sees: nothing of this machine's configuration, and no colours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "TERMINAL_WIDTH": "100", **variables}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "service", *words]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a configuration file."""
    (tmp_path / "gatepost.toml").write_text(CONFIGURATION)
    return tmp_path


@pytest.fixture
def gatepost(folder: Path) -> Callable[..., Finished]:
    """Runs a command to its end. What it prints may never hold the secret, nor a traceback."""

    def run(*words: str, **variables: str) -> Finished:
        finished = subprocess.run(
            command(*words), cwd=folder, env=environment(variables), capture_output=True, text=True, check=False
        )
        assert SECRET not in finished.stdout + finished.stderr
        assert "Traceback" not in finished.stderr, finished.stderr
        return finished

    return run


@pytest.fixture
def gatepost_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Finished]:
    """The same without a process of its own."""

    def run(*words: str, **variables: str) -> Finished:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["gatepost", *words])
        for name in (name for name in os.environ if name.startswith("GATEPOST_")):
            monkeypatch.delenv(name)
        for name, text in variables.items():
            monkeypatch.setenv(name, text)
        with pytest.raises(SystemExit) as stop:
            cli.main()
        said = capsys.readouterr()
        assert SECRET not in said.out + said.err
        return Finished(words, int(stop.value.code or 0), said.out, said.err)

    return run


@dataclass
class Served:
    """A running `gatepost serve`."""

    process: subprocess.Popen[str]
    address: str

    def get(self, path: str, credential: str | None = None) -> tuple[int, Any]:
        """Status and JSON of a call to the site."""
        headers = {} if credential is None else {"Authorization": f"Bearer {credential}"}
        request = urllib.request.Request(f"{self.address}{path}", headers=headers)  # noqa: S310 (our own address)
        try:
            with urllib.request.urlopen(request) as reply:  # noqa: S310 (our own address)
                return reply.status, json.load(reply)
        except HTTPError as reply:
            with reply:
                return reply.code, json.load(reply)

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait()


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., Served]]:
    """Starts `gatepost serve` and waits until it says where it listens."""
    with ExitStack() as stack:

        def start(**variables: str) -> Served:
            process = stack.enter_context(
                subprocess.Popen(
                    command("serve"), cwd=folder, env=environment(variables), stderr=subprocess.PIPE, text=True
                )
            )
            stack.callback(process.kill)
            assert process.stderr is not None
            for line in process.stderr:
                said = json.loads(line)
                if said["event"] == "service.started":
                    return Served(process, said["address"])
            raise AssertionError(f"the service ended with {process.wait()} before it listened")

        yield start


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


# --- Help and mistakes ------------------------------------------------------------------------------------------------


def test_help_lists_every_command(gatepost: Callable[..., Finished]) -> None:
    finished = gatepost("--help")
    assert (finished.returncode, finished.stderr) == (0, "")
    for word in ("serve", "demo", "check", "health", "token", "key", "db", "openapi"):
        assert f"│ {word} " in finished.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["serve"],
        ["demo"],
        ["check"],
        ["health"],
        ["token"],
        ["openapi"],
        ["undo"],
        ["key", "create"],
        ["key", "list"],
        ["key", "revoke"],
        ["db", "upgrade"],
    ],
    ids=" ".join,
)
def test_command_explains_itself(gatepost_here: Callable[..., Finished], words: list[str]) -> None:
    finished = gatepost_here(*words, "--help")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert f"Usage: gatepost {' '.join(words)}" in finished.stdout


def test_version_is_said(gatepost_here: Callable[..., Finished]) -> None:
    assert gatepost_here("--version").stdout.startswith("gatepost ")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nosuch"], "No such command"),
        (["key", "create", "--name", "a\udcffb", "--role", "admin"], "the command is no text in UTF-8"),
        (["policy", "put", "--site", "blog", "--starter", "newcomers-wait", "--note", "\udcff"], "is no text in UTF-8"),
        (["serve", "--nosuch"], "No such option"),
        (["serve", "--config", "missing.toml"], "missing.toml: cannot be read (No such file or directory)"),
        (["check", "--site", "blog"], "give --site together with --token or --cookie"),
        (["check", "--token", "x"], "give --site together with --token or --cookie"),
        (["check", "--site", "blog", "--cookie", "x"], "write the cookie as NAME=VALUE"),
        (["check", "--site", "blog", "--token", "gp_x"], "this is an API key, not a reader's token"),
        (["check", "--site", "blag", "--token", "x"], 'there is no site "blag" in the configuration (there: blog)'),
        (["token", "--site", "blog"], "Missing option '--subject'"),
        (["token", "--site", "blag", "--subject", "ada"], 'there is no site "blag"'),
        (["token", "--site", "blog", "--subject", "ada", "--login", "x"], 'has no login "x" with a shared secret'),
        (["token", "--site", "blog", "--subject", "ada", "--minutes", "0"], "--minutes"),
        (["key", "create", "--name", "bot"], "Missing option '--role'"),
        (["key", "create", "--name", "bot", "--role", "king"], "'king' is not one of"),
        (["key", "create", "--name", "bot", "--role", "admin", "--site", "blag"], 'there is no site "blag"'),
        (["key", "create", "--name", "bot", "--role", "admin", "--days", "0"], "--days"),
        (["openapi", "--output", "no/such/folder/api.json"], "cannot be written (No such file or directory)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misuse_is_status_2_and_said_on_standard_error(
    gatepost_here: Callable[..., Finished], words: list[str], expected: str
) -> None:
    finished = gatepost_here(*words)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert expected in finished.stderr


@pytest.mark.parametrize("words", [["serve"], ["check"], ["key", "list"], ["db", "upgrade"]], ids=" ".join)
def test_wrong_configuration_is_status_2_with_a_line_for_every_mistake(
    gatepost_here: Callable[..., Finished], words: list[str]
) -> None:
    finished = gatepost_here(*words, GATEPOST_SERVER__PROT=SECRET, GATEPOST_LOG__LVEL=SECRET)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert [line.partition(":")[0] for line in lines(finished.stderr)] == [
        "GATEPOST_LOG__LVEL",
        "GATEPOST_SERVER__PROT",
    ]


def test_mistake_in_the_file_is_said_with_its_line(gatepost_here: Callable[..., Finished], folder: Path) -> None:
    (folder / "gatepost.toml").write_text(f'[server]\nport = "{SECRET}\n')
    finished = gatepost_here("serve")
    assert finished.returncode == 2
    assert "gatepost.toml: is not TOML: " in finished.stderr
    assert "(at line 2, column" in finished.stderr


# --- Serve and health -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_service_is_ready_once_it_listens_and_ends_with_0_when_asked(
    gatepost: Callable[..., Finished], serve: Callable[..., Served]
) -> None:
    served = serve()
    asked = gatepost("health", "--url", served.address)
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "", "")
    assert served.stop() == 0
    asked = gatepost("health", "--url", served.address)
    assert (asked.returncode, asked.stdout) == (1, "")
    assert asked.stderr == f"{served.address}/health/ready: no answer (Connection refused): is the service running?\n"


def test_service_that_drains_is_not_ready_and_says_so(
    gatepost: Callable[..., Finished], serve: Callable[..., Served]
) -> None:
    served = serve(GATEPOST_SERVER__DRAIN_SECONDS="60")
    assert served.get("/health/ready")[0] == 200
    served.process.send_signal(signal.SIGTERM)
    assert served.process.stderr is not None
    assert json.loads(served.process.stderr.readline())["event"] == "service.stopping"
    asked = gatepost("health", "--url", served.address)
    assert (asked.returncode, asked.stderr) == (1, "process:draining: fail: stopping\n")


def test_log_says_which_login_refused_which_request_and_why(
    gatepost: Callable[..., Finished], serve: Callable[..., Served]
) -> None:
    made = gatepost("key", "create", "--name", "bot", "--role", "moderator")
    key_id = made.stderr.split()[1].rstrip(":")
    assert gatepost("key", "revoke", key_id).returncode == 0
    served = serve()
    for credential, login, reason in (
        ("nonsense", "blog/jwt", "the token has not three parts"),
        (made.stdout.strip(), "blog/API key", f"key {key_id} has been revoked"),
    ):
        status, problem = served.get("/v1/sites/blog/me", credential)
        assert served.process.stderr is not None
        said = json.loads(served.process.stderr.readline())
        answered = json.loads(served.process.stderr.readline())
        assert (status, said["event"], said["login"], said["reason"]) == (401, "login.refused", login, reason)
        assert said["request_id"] == answered["request_id"] == problem["request_id"]


def test_log_ends_with_the_end_of_the_service(serve: Callable[..., Served]) -> None:
    served = serve()
    served.get("/nothing/here")
    assert served.stop() == 0
    assert served.process.stderr is not None
    said = [json.loads(line)["event"] for line in served.process.stderr]
    assert said == ["request", "service.stopping", "service.stopped"]


def test_log_that_nobody_takes_costs_no_request(serve: Callable[..., Served]) -> None:
    served = serve()
    assert served.process.stderr is not None
    served.process.stderr.close()
    assert [served.get("/v1/sites/blog/me", "nonsense")[0] for _ in range(3)] == [401] * 3
    assert served.get("/health/ready")[0] == 200


def test_health_finds_the_service_by_the_configuration(
    gatepost: Callable[..., Finished], serve: Callable[..., Served]
) -> None:
    port = serve().address.rpartition(":")[2]
    everywhere = "0.0.0.0"  # noqa: S104 (read, not bound)
    assert gatepost("health", GATEPOST_SERVER__PORT=port, GATEPOST_SERVER__HOST=everywhere).returncode == 0


@pytest.mark.parametrize(
    ("toml", "variables"),
    [
        ("[server]\nport = PORT", {}),
        ('[server]\nport = "PORT"\nhost = "0.0.0.0"', {}),
        ("[server]\nport = 1", {"gatepost_Server__Port": "PORT"}),
        ("[server]\nport = 1", {"GATEPOST_SERVER__PORT": " PORT "}),
        ("[server]\nport = 1", {"GATEPOST_SERVER": '{"port": PORT}'}),
        (
            '[server]\nport = 1\nhost = "192.0.2.1"',
            {"GATEPOST_SERVER__HOST": "::ffff:127.0.0.1", "GATEPOST_SERVER__PORT": "PORT"},
        ),
    ],
)
def test_health_understands_every_way_to_write_an_address(
    gatepost: Callable[..., Finished],
    serve: Callable[..., Served],
    folder: Path,
    toml: str,
    variables: dict[str, str],
) -> None:
    port = serve().address.rpartition(":")[2]
    (folder / "gatepost.toml").write_text(toml.replace("PORT", port))
    asked = gatepost("health", **{name: text.replace("PORT", port) for name, text in variables.items()})
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("toml", "variables", "said"),
    [
        ("[server", {}, "gatepost.toml: is not TOML"),
        ("server = 1", {}, "gatepost.toml: server: must be a table"),
        ("[server]\nport = 65536", {}, "gatepost.toml: server.port: "),
        ("[server]\nport = true", {}, "gatepost.toml: server.port: must be a number"),
        ("", {"GATEPOST_SERVER__PORT": "eighty"}, "GATEPOST_SERVER__PORT: server.port: must be a whole number"),
        ("", {"GATEPOST_SERVER__HOST": ""}, "GATEPOST_SERVER__HOST: server.host: "),
        ("", {"GATEPOST_CONFIG": "missing.toml"}, "missing.toml: cannot be read (No such file or directory)"),
    ],
)
def test_health_says_what_is_wrong_with_the_address_in_the_configuration(
    gatepost: Callable[..., Finished], folder: Path, toml: str, variables: dict[str, str], said: str
) -> None:
    (folder / "gatepost.toml").write_text(toml)
    asked = gatepost("health", **variables)
    assert (asked.returncode, asked.stdout, len(lines(asked.stderr))) == (2, "", 1)
    assert said in asked.stderr


@pytest.mark.parametrize(
    "words", [["health"], ["health", "--url", "http://127.0.0.1:9"], ["health", "-c", "gatepost.toml"]]
)
def test_health_check_imports_next_to_nothing(folder: Path, words: list[str]) -> None:
    """It runs every half minute, in the memory of the service that it asks."""
    imported = modules_imported_by(folder, *words, status=1)
    assert "http.client" in imported
    heavy = {"pydantic", "typer", "click", "rich", "sqlalchemy", "aiohttp", "asyncio", "structlog", "joserfc"}
    assert imported & heavy == set()
    ours = {name for name in imported if name.startswith("service.")}
    assert ours == {f"service.{name}" for name in ("ask_health", "cli_health", "refusal", "sources")}


HEAVY = {"sqlalchemy", "alembic", "aiohttp.web", "psycopg", "jinja2", "redis"}
HEAVIER = HEAVY | {"pydantic_settings", "aiohttp", "joserfc", "structlog"}


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["--help"], HEAVIER),
        (["--version"], HEAVIER),
        (["check", "--help"], HEAVIER),
        (["health", "--help"], HEAVIER),
        (["db", "backup", "--help"], HEAVIER),
        (["key", "create", "--help"], HEAVIER),
        (["export", "pages", "--help"], HEAVIER),
        (["token", "--site", "blog", "--subject", "ada"], HEAVY),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_small_command_imports_no_more_than_it_needs(folder: Path, words: list[str], heavy: set[str]) -> None:
    imported = modules_imported_by(folder, *words, status=0)
    assert (imported & heavy, "typer" in imported) == (set(), True)


def test_server_imports_no_more_than_it_needs(folder: Path) -> None:
    """With one file as its store, which is up to date, no Redis, and nobody who asks for HTML yet."""
    with socket.create_server(("127.0.0.1", 0)) as other:  # so that it ends when it has opened everything
        taken = {"GATEPOST_SERVER__PORT": str(other.getsockname()[1])}
        first, second = (modules_imported_by(folder, "serve", status=1, **taken) for _ in range(2))
    heavy = {"alembic", "psycopg", "redis", "jinja2", "rich.console"}
    assert first & heavy == {"alembic"}
    assert second & heavy == set()
    assert {"aiohttp.web", "sqlalchemy", "service.app"} <= second


def modules_imported_by(folder: Path, *words: str, status: int, **variables: str) -> set[str]:
    finished = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "service", *words],
        cwd=folder,
        env=environment({"GATEPOST_SERVER__PORT": "9"} | variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == status
    return set(re.findall(r"\| +([\w.]+)$", finished.stderr, flags=re.MULTILINE))


@pytest.mark.parametrize("words", [["health", "--nosuch"], ["health", "now"], ["health", "--url"]])
def test_health_that_is_not_understood_is_refused_like_any_command(
    gatepost: Callable[..., Finished], words: list[str]
) -> None:
    finished = gatepost(*words)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "─ Error ─" in finished.stderr


def test_second_server_on_the_same_file_says_so_and_ends(
    gatepost: Callable[..., Finished], serve: Callable[..., Served]
) -> None:
    serve()
    finished = gatepost("serve")
    assert finished.returncode == 1
    assert lines(finished.stderr) == [
        "gatepost.db: another Gatepost is using this file: stop it first, or use PostgreSQL for several servers"
    ]


def test_port_in_use_is_one_clear_line(gatepost: Callable[..., Finished]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        finished = gatepost("serve", GATEPOST_SERVER__PORT=str(port))
    assert finished.returncode == 1
    assert lines(finished.stderr) == [
        f"cannot listen on 127.0.0.1, port {port} (Address already in use): `gatepost check` says what to do"
    ]


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "two..dots.example"])
def test_host_of_another_machine_is_one_clear_line(gatepost: Callable[..., Finished], host: str) -> None:
    finished = gatepost("serve", GATEPOST_SERVER__HOST=host)
    assert (finished.returncode, len(lines(finished.stderr))) == (1, 1)
    assert f"cannot listen on {host}, port 0 (" in finished.stderr


def test_missing_secret_stops_the_start_with_its_name(gatepost: Callable[..., Finished], folder: Path) -> None:
    (folder / "gatepost.toml").write_text(
        CONFIGURATION.replace(f'secret = "{SECRET}"', 'secret_env = "BLOG_JWT_SECRET"')
    )
    finished = gatepost("serve")
    assert (finished.returncode, len(lines(finished.stderr))) == (2, 1)
    assert "BLOG_JWT_SECRET" in finished.stderr


def make_rubbish(path: Path) -> None:
    path.write_bytes(b"no database" * 100)


def make_newer(path: Path) -> None:
    migrate.upgrade(path, 5.0)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


SPOILT = [(make_rubbish, "gatepost.db: the store cannot be opened ("), (make_newer, "install the newer release")]


@pytest.mark.parametrize(("spoil", "expected"), SPOILT)
def test_store_that_cannot_be_used_stops_the_start_with_one_clear_line(
    gatepost: Callable[..., Finished], folder: Path, spoil: Callable[[Path], None], expected: str
) -> None:
    spoil(folder / "gatepost.db")
    finished = gatepost("serve")
    assert (finished.returncode, len(lines(finished.stderr)), expected in finished.stderr) == (1, 1, True), finished


@pytest.mark.parametrize("words", [["key", "list"], ["db", "upgrade"]], ids=" ".join)
@pytest.mark.parametrize(("spoil", "expected"), SPOILT)
def test_store_that_cannot_be_used_is_one_clear_line_for_every_command(
    gatepost_here: Callable[..., Finished],
    folder: Path,
    words: list[str],
    spoil: Callable[[Path], None],
    expected: str,
) -> None:
    spoil(folder / "gatepost.db")
    before = (folder / "gatepost.db").read_bytes()
    finished = gatepost_here(*words)
    assert (finished.returncode, len(lines(finished.stderr)), expected in finished.stderr) == (1, 1, True), finished
    assert (folder / "gatepost.db").read_bytes() == before


# --- Tokens and keys --------------------------------------------------------------------------------------------------


def test_token_lets_its_reader_in(gatepost: Callable[..., Finished], serve: Callable[..., Served]) -> None:
    served = serve()
    minted = gatepost(
        "token", "--site", "blog", "--subject", "ada", "--name", "Ada", "--role", "editor", "--role", "fan"
    )
    assert (minted.returncode, lines(minted.stderr)) == (
        0,
        ['Note: the role "fan" makes nobody a moderator or an admin of blog.'],
    )
    status, said = served.get("/v1/sites/blog/me", minted.stdout.strip())
    assert (status, said["user"]["name"], said["roles"]) == (200, "Ada", ["moderator"])


def test_token_needs_a_login_with_a_shared_secret(gatepost_here: Callable[..., Finished], folder: Path) -> None:
    (folder / "gatepost.toml").write_text(
        '[sites.blog]\nname = "A blog"\n'
        '[[sites.blog.login]]\nkind = "oidc"\nissuer = "https://a.example"\naudience = "b"\n'
    )
    finished = gatepost_here("token", "--site", "blog", "--subject", "ada")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "site blog has no login with a shared secret; its logins: oidc (kind oidc)" in finished.stderr


@pytest.mark.slow
def test_key_made_beside_a_running_server_moderates_until_it_is_revoked(
    gatepost: Callable[..., Finished], serve: Callable[..., Served]
) -> None:
    served = serve()
    made = gatepost("key", "create", "--name", "bot [1]", "--role", "moderator", "--site", "blog", "--days", "7")
    secret = made.stdout.strip()
    assert made.returncode == 0
    assert "moderator of site blog, until " in made.stderr
    assert secret not in made.stderr
    assert served.get("/v1/sites/blog/queue", secret)[0] == 200

    listed = gatepost("key", "list")
    heading, row = lines(listed.stdout)
    key_id = row.split()[0]
    assert heading.split() == ["id", "name", "site", "role", "made", "state"]
    assert ("bot [1]" in row, "good until " in row, secret in listed.stdout) == (True, True, False)

    assert gatepost("key", "revoke", key_id).returncode == 0
    assert served.get("/v1/sites/blog/queue", secret)[0] == 401
    assert "revoked " in lines(gatepost("key", "list").stdout)[1]
    again = gatepost("key", "revoke", key_id)
    assert (again.returncode, again.stdout) == (1, "")
    assert f"there is no key {key_id} that still works" in again.stderr


def test_key_for_all_sites_is_made_before_the_first_start(
    gatepost: Callable[..., Finished], serve: Callable[..., Served]
) -> None:
    made = gatepost("key", "create", "--name", "bot", "--role", "admin")
    assert "admin of all sites, until it is revoked" in made.stderr
    assert serve().get("/v1/sites/blog/queue", made.stdout.strip())[0] == 200


# --- The database and the description ---------------------------------------------------------------------------------


def test_upgrade_makes_a_store_and_finds_nothing_to_do_the_second_time(
    gatepost_here: Callable[..., Finished], folder: Path
) -> None:
    first, second = gatepost_here("db", "upgrade"), gatepost_here("db", "upgrade")
    assert (first.returncode, first.stderr, first.stdout) == (0, "", second.stdout)
    assert (folder / "gatepost.db").exists()


def test_upgrade_waits_for_no_server_and_says_so(
    gatepost: Callable[..., Finished], serve: Callable[..., Served]
) -> None:
    serve()
    finished = gatepost("db", "upgrade")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "another Gatepost is using this file" in finished.stderr


@pytest.mark.slow
def test_description_is_the_one_that_is_served(
    gatepost: Callable[..., Finished], serve: Callable[..., Served], folder: Path
) -> None:
    printed = gatepost("openapi")
    written = gatepost("openapi", "--output", "api.json")
    assert (printed.returncode, written.returncode, written.stdout) == (0, 0, "")
    assert (folder / "api.json").read_text(encoding="utf-8") == printed.stdout
    assert json.loads(printed.stdout) == serve().get("/openapi.json")[1]


# --- Check ------------------------------------------------------------------------------------------------------------


def test_check_shows_the_configuration_in_force_and_where_it_came_from(gatepost: Callable[..., Finished]) -> None:
    finished = gatepost("check", GATEPOST_LOG__LEVEL="debug")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("# File: gatepost.toml\n# Environment: GATEPOST_LOG__LEVEL\n")
    assert 'level = "debug"' in finished.stdout
    assert 'secret = "*****"' in finished.stdout
    assert "ok   server: can listen on 127.0.0.1, port 0" in finished.stdout
    assert "warn login blog/jwt: secret stands in the configuration file" in finished.stdout


def test_check_beside_a_running_server_finds_it(
    gatepost: Callable[..., Finished], serve: Callable[..., Served]
) -> None:
    address = serve().address
    finished = gatepost("check", GATEPOST_SERVER__PORT=address.rpartition(":")[2])
    assert finished.returncode == 0
    assert f"ok   server: is running at {address} and is ready" in finished.stdout
    assert "gatepost.db has schema " in finished.stdout


def test_check_that_finds_a_fault_is_status_1_and_says_the_fix_below_it(gatepost: Callable[..., Finished]) -> None:
    finished = gatepost("check", GATEPOST_SERVER__TRUSTED_PROXIES="0.0.0.0/0")
    assert finished.returncode == 1
    said = finished.stdout.splitlines()
    fault = said.index("FAIL trusted proxies: everybody is trusted, so anybody can claim to be any address")
    assert said[fault + 1].startswith("     -> name in server.trusted_proxies the address")


@pytest.mark.slow
def test_check_says_who_is_behind_a_token(gatepost: Callable[..., Finished]) -> None:
    token = gatepost("token", "--site", "blog", "--subject", "ada@blog.example", "--name", "Ada").stdout.strip()
    accepted = gatepost("check", "--site", "blog", "--token", token)
    assert accepted.returncode == 0
    assert "ok   login blog/jwt: accepts it:\n    subject ad***** (16 characters)\n    name    Ada\n" in accepted.stdout
    assert token not in accepted.stdout
    for pasted in (f"Bearer {token}", f" authorization: bearer {token}\n"):
        assert "login blog/jwt: accepts it:" in gatepost("check", "--site", "blog", "--token", pasted).stdout

    refused = gatepost("check", "--site", "blog", "--token", token[:-2])
    assert refused.returncode == 1
    assert "FAIL login blog/jwt: refuses it (" in refused.stdout


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_demo_runs_until_it_is_told_to_stop(folder: Path, signal_number: signal.Signals) -> None:
    words = command("demo", "--port", "0", "--blog-port", "0", "--no-open")
    with subprocess.Popen(
        words, cwd=folder, env=environment({"PYTHONUNBUFFERED": "1"}), stdout=subprocess.PIPE, text=True
    ) as demo:
        try:
            assert demo.stdout is not None
            assert any("The blog" in line for line in demo.stdout)
            demo.send_signal(signal_number)
            assert demo.wait() == 0
        finally:
            demo.kill()


IN_A_CONTAINER = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]


@pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run([*IN_A_CONTAINER, "true"], capture_output=True).returncode != 0,
    reason="needs namespaces of its own (unshare --user --pid)",
)
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("words", [["serve"], ["check"], ["db", "verify"]], ids=" ".join)
def test_first_process_of_a_container_ends_when_asked(
    folder: Path, words: list[str], signal_number: signal.Signals
) -> None:
    """As such it has no default for signals. Each of them waits here for its configuration, which never comes."""
    never = folder / "never.toml"
    os.mkfifo(never)
    with subprocess.Popen(
        [*IN_A_CONTAINER, *command(*words, "--config", str(never))], env=environment({}), stderr=subprocess.DEVNULL
    ) as outside:
        try:
            with never.open("w"):  # waits until somebody reads it
                first = int(Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text())
                os.kill(first, signal_number)
                assert outside.wait(PATIENCE_SECONDS) == 128 + signal_number
        finally:
            outside.kill()


def test_demo_in_a_container_listens_on_every_address_and_is_met_on_one(folder: Path) -> None:
    words = command("demo", "--host", "0.0.0.0", "--port", "0", "--blog-port", "0", "--no-open")  # noqa: S104 (the point)
    with subprocess.Popen(
        words, cwd=folder, env=environment({"PYTHONUNBUFFERED": "1"}), stdout=subprocess.PIPE, text=True
    ) as demo:
        try:
            assert demo.stdout is not None
            found = (re.search(r"(The blog|Gatepost) +http://127\.0\.0\.1:(\d+)", line) for line in demo.stdout)
            ports = {match[1]: match[2] for match in islice(filter(None, found), 2)}
            for port, path in ((ports["The blog"], "/"), (ports["Gatepost"], "/health/live")):
                with urllib.request.urlopen(f"http://127.0.0.2:{port}{path}") as reply:
                    assert reply.status == 200
        finally:
            demo.kill()


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_demo_on_another_machines_address_is_one_clear_line(gatepost: Callable[..., Finished], host: str) -> None:
    finished = gatepost("demo", "--host", host, "--no-open")
    assert (finished.returncode, len(lines(finished.stderr))) == (1, 1)
    assert f"cannot listen on {host}, port 8000 (" in finished.stderr


@pytest.mark.parametrize("words", [["serve"], ["check"], ["health"]], ids=" ".join)
def test_image_without_a_configuration_says_what_to_mount(gatepost: Callable[..., Finished], words: list[str]) -> None:
    variables = dict(re.findall(r"(GATEPOST_[A-Z_]+)=(\S+)", (ROOT / "Dockerfile").read_text()))
    finished = gatepost(*words, **variables)
    assert (finished.returncode, finished.stdout, len(lines(finished.stderr))) == (2, "", 1)
    assert "mount it there: docker run --volume ./gatepost.toml:/etc/gatepost/gatepost.toml:ro" in finished.stderr
    assert "--volume gatepost:/data" in finished.stderr


# --- The manual -------------------------------------------------------------------------------------------------------


def blocks(language: str) -> list[str]:
    """The examples of the manual in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", MANUAL, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "line", sorted(set(re.findall(r"(?:^|`|/)gatepost ((?:key |db )?[a-z]+)", MANUAL, re.MULTILINE)))
)
def test_command_of_the_manual_exists(gatepost_here: Callable[..., Finished], line: str) -> None:
    assert gatepost_here(*line.split(), "--help").returncode == 0


def test_configurations_in_the_manual_are_without_a_mistake() -> None:
    behind_a_proxy, below_a_path, behind_a_cdn = (settings.parse(tomllib.loads(example)) for example in blocks("toml"))
    assert behind_a_proxy.server.trusted_proxies
    assert below_a_path.server.public_url
    assert behind_a_cdn.cache.purge.url


@pytest.mark.parametrize("language", ["ini", "yaml"])
def test_variables_of_unit_and_pod_are_settings(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    (example,) = blocks(language)
    if language == "ini":
        variables = dict(re.findall(r"^Environment=(\w+)=(.*)$", example, flags=re.MULTILINE))
    else:
        (container,) = yaml.safe_load(example)["spec"]["template"]["spec"]["containers"]
        variables = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    settings.parse({})
    assert set(settings.variables_in_use()) >= set(variables) - {sources.CONFIG_VARIABLE}


def test_pod_refuses_the_variables_of_services_and_stops_gently() -> None:
    (example,) = blocks("yaml")
    pod = yaml.safe_load(example)["spec"]["template"]["spec"]
    server = settings.Server()
    assert pod["enableServiceLinks"] is False
    assert pod["terminationGracePeriodSeconds"] >= server.drain_seconds + server.grace_seconds


def test_unit_does_not_try_a_wrong_configuration_again_and_stops_gently() -> None:
    (unit,) = blocks("ini")
    said = dict(re.findall(r"^(\w+)=(.*)$", unit, flags=re.MULTILINE))
    server = settings.Server()
    assert said["RestartPreventExitStatus"] == str(cli.MISUSED)
    assert int(said["TimeoutStopSec"]) >= server.drain_seconds + server.grace_seconds
    assert int(said["LimitNOFILE"]) > server.max_connections


def test_backup_of_the_manual_is_whole_while_the_service_runs(
    gatepost: Callable[..., Finished], serve: Callable[..., Served], folder: Path
) -> None:
    serve()
    assert gatepost("key", "create", "--name", "written last", "--role", "admin").returncode == 0
    assert "`gatepost db backup FOLDER`" in MANUAL
    backup = gatepost("db", "backup", "FOLDER").stdout.splitlines()[0]
    with closing(sqlite3.connect(folder / backup)) as copy:
        assert copy.execute("SELECT name FROM api_keys").fetchall() == [("written last",)]
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
