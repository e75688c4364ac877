"""What `gatepost check`, `health` and `token` find out, room by room; `test_cli` runs the commands themselves."""

import asyncio
import errno
import json
import shutil
import socket
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from pydantic import BaseModel, Field

from service import ask_health, settings, trial_token
from service.auth.login import Credentials
from service.checkup import listening, logins, masking
from service.checkup.finding import Outcome
from service.settings import Settings
from service.store.database import Database
from tests.auth.issuer import Issuer
from tests.auth.local_server import Handler, LocalServer, always
from tests.checkup.checked import FAIL, WARN, changed, content_of, examine, jwt, not_fine, the_one_about
from tests.conftest import StartGatepost
from tests.harness import SECRET, Hands, configuration, token

PRIVATE = "tell-nobody"


# --- The configuration as a whole -------------------------------------------------------------------------------------


async def test_good_configuration_has_nothing_but_fine_findings(configured: dict[str, Any], clock: Hands) -> None:
    found = await examine(configured, clock)
    assert not_fine(found) == []
    assert {finding.subject for finding in found} == {
        "server",
        "trusted proxies",
        "database",
        "disk",
        "shared caches",
        "site blog",
        "desk blog",
        "login blog/jwt",
    }


class Case(NamedTuple):
    """One change of a good configuration, and what is then said about it."""

    place: str
    value: object
    outcome: Outcome
    subject: str
    words: str


CASES = [
    Case("sites", {}, FAIL, "sites", "none is configured, so nobody can comment"),
    Case("limits.enabled", False, WARN, "limits", "are off"),
    Case(
        "limits.shared", "redis://127.0.0.1:1/0", WARN, "limits", "limits.shared does not answer (Connection refused)"
    ),
    Case("server.trusted_proxies", [], WARN, "trusted proxies", "all readers would share one address"),
    Case("server.trusted_proxies", ["0.0.0.0/0"], FAIL, "trusted proxies", "anybody can claim to be any address"),
    Case("server.trusted_proxies", ["10.0.0.0/8", "::/0"], FAIL, "trusted proxies", "anybody can claim"),
    Case("server.trusted_proxies", ["127.0.0.1", "10.0.0.0/7"], WARN, "trusted proxies", "10.0.0.0/7 is broad"),
    Case("server.host", "0.0.0.0", WARN, "trusted proxies", "only 127.0.0.1/32, while 0.0.0.0 lets proxies connect"),  # noqa: S104 (asked about)
    Case("server.max_connections", 10**9, WARN, "server", "and max_connections is 1000000000"),
    Case("server.host", "192.0.2.1", FAIL, "server", "cannot listen on 192.0.2.1, port 0 ("),
    Case("server.host", "no-such-host.invalid", FAIL, "server", "cannot listen on no-such-host.invalid"),
    Case("sites.blog.origins", [], WARN, "site blog", "has no origins"),
    Case("sites.blog.origins", ["http://blog.example"], WARN, "site blog", "http://blog.example is not encrypted"),
    Case("sites.blog.login_url", None, WARN, "site blog", "has no login_url"),
    Case("sites.blog.login_url", "https://blog.example/login", WARN, "site blog", "login_url has no {url}"),
    Case("sites.blog.login_url", "http://blog.example/?{url}", WARN, "site blog", "login_url is not encrypted"),
    Case("sites.blog.login", [], FAIL, "site blog", "has no login, so nobody can comment"),
    Case("sites.blog.roles", {"moderator": [], "admin": []}, WARN, "site blog", "nobody who logs in can moderate"),
    Case("sites.blog.login", [jwt()], WARN, "login blog/jwt", "secret stands in the configuration file"),
    Case(
        "sites.blog.login",
        [jwt(secret=None, algorithms=None, keys=[{"algorithm": "HS256", "secret": SECRET}])],
        WARN,
        "login blog/jwt",
        "secret stands in the configuration file",
    ),
    Case("sites.blog.login", [jwt(secret="short")], FAIL, "login blog/jwt", "the shared secret has 5 bytes"),
    Case(
        "sites.blog.login",
        [jwt(secret=None, secret_env="NO_SUCH_VARIABLE")],
        FAIL,
        "login blog/jwt",
        "the environment has no variable NO_SUCH_VARIABLE",
    ),
    Case(
        "sites.blog.login",
        [jwt(name="app", secret=None, secret_file="/no/such/file")],
        FAIL,
        "login blog/app",
        "/no/such/file cannot be read",
    ),
    Case(
        "sites.blog.login",
        [jwt(secret=None, algorithms=["RS256"], public_key="no key")],
        FAIL,
        "login blog/jwt",
        "the key is not a PEM public key for RS256",
    ),
    Case(
        "sites.blog.login",
        [{"kind": "forwarded", "name": "proxy"}],
        Outcome.OK,
        "login blog/proxy",
        "The reverse proxy says who is logged in.",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.place}: {case.words}")
async def test_what_is_wrong_is_found_and_has_its_fix(configured: dict[str, Any], clock: Hands, case: Case) -> None:
    found = await examine(changed(configured, case.place, case.value), clock)
    (said,) = [finding for finding in found if case.words in finding.text]
    assert (said.outcome, said.subject) == (case.outcome, case.subject)
    assert bool(said.fix) == (case.outcome is not Outcome.OK)
    assert SECRET not in str(found)


async def test_secret_that_everybody_can_read_is_found(configured: dict[str, Any], clock: Hands) -> None:
    secret = Path(configured["sites"]["blog"]["login"][0]["secret_file"])
    await asyncio.to_thread(secret.chmod, 0o644)
    said = the_one_about(await examine(configured, clock), "login blog/jwt")
    assert (said.outcome, said.fix) == (WARN, f"chmod o-r {secret}")


@pytest.mark.parametrize(
    "login", [jwt(cookie="sid"), {"kind": "session", "url": "http://127.0.0.1:9/", "cookies": ["a"]}]
)
async def test_cookie_login_of_a_site_without_origins_cannot_work(
    configured: dict[str, Any], clock: Hands, login: dict[str, Any]
) -> None:
    configured["sites"]["blog"] |= {"origins": [], "login": [login]}
    texts = [finding.text for finding in await examine(configured, clock) if finding.outcome is FAIL]
    assert "reads a cookie, and a cookie is taken only from a page of a known origin" in texts


async def test_forwarded_login_without_a_trusted_proxy_cannot_work(configured: dict[str, Any], clock: Hands) -> None:
    configured["server"]["trusted_proxies"] = []
    configured["sites"]["blog"]["login"] = [{"kind": "forwarded"}]
    assert the_one_about(await examine(configured, clock), "login blog/forwarded").outcome is FAIL


# --- Logins that ask somebody -----------------------------------------------------------------------------------------


def oidc(name: str) -> dict[str, Any]:
    return {"kind": "oidc", "issuer": name, "audience": "gatepost"}


async def test_issuer_that_answers_is_fine(configured: dict[str, Any], clock: Hands, issuer: Issuer) -> None:
    found = await examine(changed(configured, "sites.blog.login", [oidc(issuer.name)]), clock)
    assert not_fine(found) == []
    assert issuer.fetches == 1


async def test_issuer_that_does_not_answer_is_found(configured: dict[str, Any], clock: Hands, issuer: Issuer) -> None:
    await issuer.down()
    said = the_one_about(
        await examine(changed(configured, "sites.blog.login", [oidc(issuer.name)]), clock), "login blog/oidc"
    )
    assert said.outcome is FAIL
    assert "no keys of the issuer yet" in said.text


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (always(text="", status=401), Outcome.OK, "answered a made-up cookie with 401: nobody is logged in"),
        (always(text='{"id": null}'), Outcome.OK, "answered a made-up cookie with 200: nobody is logged in"),
        (always(text='{"id": "ada"}'), FAIL, "takes a made-up login for somebody"),
        (always(text="<html>", content_type="text/html"), FAIL, "cannot be asked ("),
        (always(text="", status=500), FAIL, "its status is not 200 (500)"),
    ],
)
async def test_blog_is_asked_about_a_session_that_nobody_has(
    configured: dict[str, Any], clock: Hands, server: LocalServer, answer: Handler, outcome: Outcome, words: str
) -> None:
    server.handlers["/whoami"] = answer
    login = {"kind": "session", "url": f"{server.address}/whoami", "cookies": ["sid", "wordpress_logged_in_*"]}
    found = await examine(changed(configured, "sites.blog.login", [login]), clock)
    (said,) = [finding for finding in found if finding.subject == "login blog/session"]
    assert (said.outcome, words in said.text) == (outcome, True), said
    assert server.asked["/whoami"] == 1


# --- The store --------------------------------------------------------------------------------------------------------


async def test_store_that_is_not_there_is_left_to_the_first_start(
    configured: dict[str, Any], clock: Hands, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "below" / "new.db"
    found = await examine(changed(configured, "database.url", f"sqlite:///{path}"), clock)
    assert not_fine(found) == []
    assert not path.parent.exists()


async def test_store_in_use_by_a_server_is_written_beside_it(
    configured: dict[str, Any], clock: Hands, database: Database
) -> None:
    assert not_fine(await examine(configured, clock)) == []


def make_rubbish(path: Path) -> None:
    path.write_bytes(b"no database" * 100)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


async def test_password_of_a_database_is_not_shown(configured: dict[str, Any], clock: Hands) -> None:
    found = await examine(changed(configured, "database.url", f"postgresql://gatepost:{PRIVATE}@127.0.0.1:9/g"), clock)
    assert PRIVATE not in str(found)
    assert the_one_about(found, "database").text.startswith("postgresql://gatepost:*****@127.0.0.1:9/g: ")


@pytest.mark.parametrize("spoil", [make_rubbish, make_folder])
async def test_file_that_is_no_store_is_found(
    configured: dict[str, Any], clock: Hands, store_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(store_path)
    said = the_one_about(await examine(configured, clock), "database")
    assert (said.outcome, "cannot be opened (" in said.text) == (FAIL, True), said


async def test_store_that_somebody_keeps_locked_is_found(
    configured: dict[str, Any], clock: Hands, store_path: Path
) -> None:
    configured["database"]["busy_seconds"] = 0
    with closing(sqlite3.connect(store_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = the_one_about(await examine(configured, clock), "database")
    assert (said.outcome, "takes no write (database is locked)" in said.text) == (FAIL, True), said


def spoil_policies(store_path: Path) -> None:
    """Overwrite every page at which policies begin."""
    with closing(sqlite3.connect(store_path, isolation_level=None)) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = store.execute("PRAGMA page_size").fetchone()
        pages = store.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'policies'").fetchall()
    content = bytearray(store_path.read_bytes())
    for (page,) in pages:
        content[(page - 1) * size : page * size] = b"\x55" * size
    store_path.write_bytes(content)


async def test_store_that_takes_a_write_and_cannot_be_read_is_found_beside_everything_else(
    configured: dict[str, Any], clock: Hands, store_path: Path
) -> None:
    spoil_policies(store_path)
    found = await examine(configured, clock)
    (said,) = not_fine(found)
    assert (said.outcome, said.text) == (FAIL, "cannot be read (database disk image is malformed)")
    assert "gatepost db verify" in said.fix
    assert any(finding.subject == "login blog/jwt" for finding in found)


@pytest.mark.parametrize(
    ("version", "outcome", "fix"),
    [("0000", WARN, "gatepost db upgrade"), ("9999", FAIL, "install the newer release"), (None, WARN, "nothing to do")],
)
async def test_schema_of_another_release_is_found_and_left_alone(
    configured: dict[str, Any], clock: Hands, store_path: Path, version: str | None, outcome: Outcome, fix: str
) -> None:
    with closing(sqlite3.connect(store_path)) as connection:
        if version is None:
            connection.execute("DROP TABLE alembic_version")
        else:
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.commit()
    before = content_of(store_path)
    said = the_one_about(await examine(configured, clock), "database")
    assert (said.outcome, fix in said.fix) == (outcome, True), said
    assert content_of(store_path) == before


@pytest.mark.parametrize(
    ("free", "outcome"), [(49_000_000, FAIL), (51_000_000, WARN), (499_000_000, WARN), (501_000_000, Outcome.OK)]
)
async def test_disk_that_runs_full_is_found(
    configured: dict[str, Any], clock: Hands, monkeypatch: pytest.MonkeyPatch, free: int, outcome: Outcome
) -> None:
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    (said,) = [finding for finding in await examine(configured, clock) if finding.subject == "disk"]
    assert said.outcome is outcome


# --- Where it listens -------------------------------------------------------------------------------------------------


def port_of(address: str) -> int:
    port = urlsplit(address).port
    assert port is not None
    return port


async def test_port_of_another_program_is_found(clock: Hands, server: LocalServer) -> None:
    (found,) = await listening.examine(settings.parse({"server": {"port": server.port}}).server)
    assert (found.outcome, "is taken by another program" in found.text) == (FAIL, True), found


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("localhost", "127.0.0.1"),
        ("0.0.0.0", "every IPv4 address of this machine, and no IPv6"),  # noqa: S104
        ("::", "every address of this machine, IPv4 and IPv6"),
        ("0::0", "every address of this machine, IPv4 and IPv6"),
    ],
)
async def test_it_is_said_where_the_service_would_listen(host: str, words: str) -> None:
    [found] = await listening.examine(settings.parse({"server": {"host": host, "port": 0}}).server)
    assert (found.outcome, words in found.text) == (Outcome.OK, True), found


@pytest.mark.parametrize("host", ["::", "::1", "2001:db8::1"])
async def test_a_machine_without_ipv6_is_told_so(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoVersion6(socket.socket):
        def __init__(self, family: int = -1, *further: Any, **named: Any) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *further, **named)

    monkeypatch.setattr(socket, "socket", NoVersion6)
    [found] = await listening.examine(settings.parse({"server": {"host": host, "port": 0}}).server)
    assert (found.outcome, "no IPv6 at all" in found.fix) == (FAIL, True), found


async def test_a_port_that_is_taken_on_one_of_several_addresses_is_taken(clock: Hands, server: LocalServer) -> None:
    for host in ("localhost", "::", "0.0.0.0"):  # noqa: S104
        [found] = await listening.examine(settings.parse({"server": {"host": host, "port": server.port}}).server)
        assert (found.outcome, "is taken by another program" in found.text) == (FAIL, True), found


async def test_running_service_is_recognised_on_its_port(start_gatepost: StartGatepost) -> None:
    running = (await start_gatepost()).running
    (found,) = await listening.examine(settings.parse({"server": {"port": port_of(running.address)}}).server)
    assert (found.outcome, found.text) == (Outcome.OK, f"is running at {running.address} and is ready")


async def test_running_service_that_is_not_ready_is_found_with_its_reason(start_gatepost: StartGatepost) -> None:
    running = (await start_gatepost()).running
    running.health.draining = True
    (found,) = await listening.examine(settings.parse({"server": {"port": port_of(running.address)}}).server)
    assert (found.outcome, found.fix) == (FAIL, "process:draining: fail: stopping")


# --- Health -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104 (asked about, not bound)
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("10.1.2.3", "http://10.1.2.3:8080"),
        ("localhost", "http://localhost:8080"),
    ],
)
def test_service_is_asked_where_it_listens(host: str, address: str) -> None:
    assert ask_health.address_of(host, 8080) == address


async def test_ready_service_answers_without_a_word(start_gatepost: StartGatepost) -> None:
    running = (await start_gatepost()).running
    for address in (running.address, f"{running.address}/", f"{running.address}/health/ready"):
        assert await asyncio.to_thread(ask_health.ask, address) == ask_health.Answer(True, (), is_gatepost=True)


async def test_service_that_is_not_ready_says_which_check_failed(start_gatepost: StartGatepost) -> None:
    running = (await start_gatepost()).running
    running.health.draining = True
    answer = await asyncio.to_thread(ask_health.ask, running.address)
    assert answer == ask_health.Answer(False, ("process:draining: fail: stopping",), is_gatepost=True)


@pytest.mark.parametrize(
    "answer",
    [
        always(text="Welcome", content_type="text/html"),
        always(text="[]"),
        always(text='{"checks": 1}'),
        always(text='{"checks": {"a": [1]}}'),
        always(text="", status=301, Location="http://127.0.0.1:9/"),
        always(text=b"\xff", status=503),
    ],
)
async def test_other_program_is_never_taken_for_a_ready_service(server: LocalServer, answer: Handler) -> None:
    server.handlers["/health/ready"] = answer
    found = await asyncio.to_thread(ask_health.ask, server.address)
    assert (found.ready, found.is_gatepost) == (False, False)
    assert "not as a Gatepost does" in found.lines[0]


async def test_service_that_does_not_answer_in_time_is_not_ready(server: LocalServer) -> None:
    server.handlers["/health/ready"] = server.hang
    found = await asyncio.to_thread(ask_health.ask, server.address, limit_seconds=0.2)
    assert (found.ready, found.lines) == (False, (f"{server.address}/health/ready: no answer within 0.2 seconds",))


async def test_answer_without_end_is_cut(server: LocalServer) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 1024)
            await asyncio.sleep(0)

    server.handlers["/health/ready"] = drip
    assert not (await asyncio.to_thread(ask_health.ask, server.address)).ready


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:9", "no answer (Connection refused): is the service running?"),
        ("ftp://127.0.0.1", "is not an http address"),
        ("nonsense", "is not an http address"),
        ("http://", "is not an http address"),
    ],
)
async def test_nobody_there_is_one_clear_line(address: str, words: str) -> None:
    found = await asyncio.to_thread(ask_health.ask, address)
    assert (found.ready, words in found.lines[0]) == (False, True), found


# --- Credentials ------------------------------------------------------------------------------------------------------


def blog(*, login: list[dict[str, Any]], **site: Any) -> settings.Site:
    return settings.parse({"sites": {"blog": {"name": "A blog", "login": login, **site}}}).sites["blog"]


async def test_token_is_shown_as_what_it_was_understood_to_say(clock: Hands) -> None:
    text = token(
        "ada@blog.example", now=clock(), name="Ada", bio="Writes.", website="https://ada.example", roles=["editor"]
    )
    (found,) = await logins.identify(blog(login=[jwt()]), Credentials(bearer=text), clock=clock)
    assert found.outcome is Outcome.OK
    assert found.text.splitlines() == [
        "accepts it:",
        "    subject ad***** (16 characters)",
        "    name    Ada",
        "    bio     Writes.",
        "    url     https://ada.example",
        "    roles   moderator",
        "    may     moderate, submit",
    ]


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"iss": "https://elsewhere.example"}, "iss"),
        ({"aud": "somebody"}, "aud"),
        ({"exp": 1}, "expired"),
        ({"secret": "another secret that is long enough too"}, "signature"),
        ({"roles": "editor"}, "roles is not a list"),
    ],
)
async def test_refused_token_is_shown_with_the_reason(clock: Hands, claims: dict[str, Any], words: str) -> None:
    text = token("ada", now=clock(), **claims)
    (found,) = await logins.identify(blog(login=[jwt()]), Credentials(bearer=text), clock=clock)
    assert (found.outcome, words in found.text) == (FAIL, True), found
    assert text not in str(found)


async def test_second_login_may_accept_what_the_first_refuses(clock: Hands) -> None:
    site = blog(login=[jwt(name="old", secret="an older secret that is long enough"), jwt()])
    (found,) = await logins.identify(site, Credentials(bearer=token("ada", now=clock())), clock=clock)
    assert (found.outcome, found.subject) == (Outcome.OK, "login blog/jwt")


async def test_cookie_goes_to_the_login_that_reads_it(clock: Hands) -> None:
    site = blog(login=[jwt(cookie="blog_token")], origins=["https://blog.example"])
    text = token("ada", now=clock())
    (taken,) = await logins.identify(site, Credentials(cookies={"blog_token": text}), clock=clock)
    (ignored,) = await logins.identify(site, Credentials(cookies={"other": text}), clock=clock)
    assert (taken.outcome, ignored.outcome) == (Outcome.OK, FAIL)
    assert ignored.text.startswith("no login reads a cookie other, or it is empty; cookies that are read: blog_token")


async def test_login_that_cannot_be_opened_says_why(clock: Hands) -> None:
    site = blog(login=[jwt(secret="short")])
    (found,) = await logins.identify(site, Credentials(bearer="x"), clock=clock)
    assert "the shared secret has 5 bytes" in found.text


@pytest.mark.parametrize(
    "login",
    [
        jwt(),
        jwt(algorithms=["HS512"], secret=SECRET * 2),
        jwt(claims={"subject": "user.mail", "name": "user.name"}, roles={"claim": "realm.roles"}),
        jwt(
            secret=None,
            algorithms=None,
            keys=[
                {"algorithm": "HS256", "kid": "new", "secret": SECRET},
                {"algorithm": "HS256", "kid": "old", "secret": SECRET[::-1]},
            ],
        ),
    ],
)
async def test_token_made_for_a_login_is_accepted_by_it(clock: Hands, login: dict[str, Any]) -> None:
    site = blog(login=[login])
    chosen = trial_token.login_for(site, None)
    text = trial_token.mint(
        chosen, site, subject="ada@blog.example", name="Ada", roles=["admin"], minutes=5, now=clock()
    )
    (found,) = await logins.identify(site, Credentials(bearer=text), clock=clock)
    assert (found.outcome, found.text.splitlines()[1:]) == (
        Outcome.OK,
        [
            "    subject ad***** (16 characters)",
            "    name    Ada",
            "    roles   admin",
            "    may     configure, moderate, submit",
        ],
    )
    clock.advance(seconds=5 * 60 + 60)
    (late,) = await logins.identify(site, Credentials(bearer=text), clock=clock)
    assert (late.outcome, "expired" in late.text) == (FAIL, True), late


# --- Masking ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"postgresql://gatepost:{PRIVATE}@db/gatepost", "postgresql://gatepost:*****@db/gatepost"),
        (f"postgresql+psycopg://g:{PRIVATE}/@{PRIVATE}@db:5432/g", "postgresql+psycopg://g:*****@db:5432/g"),
        (
            f"postgresql://db/g?user=g&password={PRIVATE}&sslmode=require",
            "postgresql://db/g?user=g&password=*****&sslmode=require",
        ),
        (f"redis://:{PRIVATE}@cache/0", "redis://:*****@cache/0"),
        (f"https://{PRIVATE}@hooks.example/x", "https://*****@hooks.example/x"),
        (f"https://hooks.example/x?access_token={PRIVATE}", "https://hooks.example/x?access_token=*****"),
        (f"https://hooks.example/x?code={PRIVATE}&v=1#a", "https://hooks.example/x?code=*****&v=*****#a"),
        (f"https://hooks.example/x?{PRIVATE}&b=", "https://hooks.example/x?*****&b="),
        (f"https://blog.example/?a={{b}}{PRIVATE}", "https://blog.example/?a=*****"),
        ("https://blog.example/login?next={url}&b={tag}", "https://blog.example/login?next={url}&b={tag}"),
        ("postgresql://gatepost@db/gatepost", "postgresql://gatepost@db/gatepost"),
        ("https://blog.example/login?next={url}", "https://blog.example/login?next={url}"),
        ("sqlite:////data/gatepost.db", "sqlite:////data/gatepost.db"),
        ("[::1]:8080", "[::1]:8080"),
    ],
)
def test_secret_in_an_address_is_masked(text: str, shown: str) -> None:
    assert masking.mask_address(text) == shown


@pytest.mark.parametrize(
    ("subject", "shown"),
    [("ada@blog.example", "ad***** (16 characters)"), ("7", "***** (1 characters)"), ("ada1", "***** (4 characters)")],
)
def test_subject_is_masked(subject: str, shown: str) -> None:
    assert masking.mask_subject(subject) == shown


class Inner(BaseModel):
    secret: str | None = None
    secret_env: str | None = None
    hidden: str = Field("", repr=False)


class Outer(BaseModel):
    api_token: str = PRIVATE
    database_password: str = PRIVATE
    signing_key: str = PRIVATE
    public_key: str = "public"
    token_url: str = f"https://ada:{PRIVATE}@blog.example/token"
    one: Inner = Inner(secret=PRIVATE, secret_env="A_VARIABLE", hidden=PRIVATE)
    many: tuple[Inner, ...] = (Inner(secret=PRIVATE), Inner(hidden=PRIVATE))
    by_name: dict[str, Inner] = Field(default_factory=lambda: {"a": Inner(secret=PRIVATE)})
    words: tuple[str, ...] = (f"amqp://g:{PRIVATE}@queue", "plain")


def test_every_secret_setting_is_masked_wherever_it_stands() -> None:
    text = masking.toml(Outer())
    assert PRIVATE not in text
    assert tomllib.loads(text) == {
        "api_token": "*****",
        "database_password": "*****",
        "signing_key": "*****",
        "public_key": "public",
        "token_url": "https://ada:*****@blog.example/token",
        "words": ["amqp://g:*****@queue", "plain"],
        "one": {"secret": "*****", "secret_env": "A_VARIABLE", "hidden": "*****"},
        "many": [{"secret": "*****", "hidden": "*****"}, {"hidden": "*****"}],
        "by_name": {"a": {"secret": "*****", "hidden": "*****"}},
    }


def test_shown_configuration_is_one_that_means_the_same(store_path: Path) -> None:
    values = configuration(f"sqlite:///{store_path}", name='Quotes " and \\ and \x7f and ü')
    for site in values["sites"].values():
        site["login"][0] |= {"secret": None, "secret_env": "A_VARIABLE"}
        del site["login"][0]["secret"]
    effective = settings.parse(values)
    again: Settings = settings.parse(tomllib.loads(masking.toml(effective)))
    assert again == effective
    assert json.loads(again.model_dump_json()) == json.loads(effective.model_dump_json())


def test_port_below_1024_is_no_riddle(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    (found,) = asyncio.run(listening.examine(settings.parse({"server": {"port": 80}}).server))
    assert (found.outcome, found.fix) == (FAIL, "set server.port to 1024 or more, and let a proxy take the port below")


@pytest.mark.parametrize(
    ("host", "proxies"),
    [("127.0.0.1", []), ("0.0.0.0", ["127.0.0.1", "::1"]), ("127.0.0.1", ["0.0.0.0/0"])],  # noqa: S104 (asked about)
)
def test_no_address_of_a_proxy_is_recommended_that_may_be_wrong_in_a_container(host: str, proxies: list[str]) -> None:
    values = settings.parse({"server": {"host": host, "trusted_proxies": proxies}})
    found = next(listening.examine_limits(values))
    assert (found.subject, found.outcome is Outcome.OK) == ("trusted proxies", False)
    assert "127.0.0.1 if it runs on this machine, another if Gatepost runs in a container" in found.fix
    assert "proxy.untrusted" in found.fix
