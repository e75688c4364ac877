"""Login kind `forwarded`: whose headers count, and what they may say."""

from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from service import settings
from service.auth.forwarded import ForwardedLogin, ForwardedVerifier
from service.auth.login import Credentials
from service.errors import InvalidCredential
from service.model import Profile, Role, SiteKey
from service.settings import Roles
from tests.auth.fetching import never_fetching
from tests.conftest import StartGatepost
from tests.harness import Hands
from tests.web.plain_http import send

PROXY = ip_address("10.0.0.2")
SECRET = "the proxy's secret, at least 32 bytes long"
SECRET_VARIABLE = "FORWARDED_PROXY_SECRET"
ALL_HEADERS = {
    "subject": "Remote-User",
    "name": "Remote-Name",
    "bio": "Remote-Bio",
    "url": "Remote-Url",
    "avatar": "Remote-Avatar",
    "roles": "Remote-Groups",
}
OpenLogin = Callable[..., ForwardedVerifier]


@pytest.fixture
def open_login(clock: Hands) -> OpenLogin:
    def open_one(**configured: Any) -> ForwardedVerifier:
        login = ForwardedLogin.model_validate(configured)
        return login.open(site=SiteKey("blog"), roles=Roles(), clock=clock, fetch=never_fetching())

    return open_one


def through_proxy(peer: str | None = str(PROXY), *, trusted: bool = True, **headers: str) -> Credentials:
    """A request with these headers (`_` for `-`) on a connection from `peer`."""
    return Credentials(
        headers={name.lower().replace("_", "-"): value for name, value in headers.items()},
        peer=None if peer is None else ip_address(peer),
        trusted_peer=trusted,
    )


async def test_proxys_word_becomes_the_identity(open_login: OpenLogin) -> None:
    login = open_login(headers=ALL_HEADERS)
    identity = await login.identify(
        through_proxy(
            Remote_User="ada@blog.example",
            Remote_Name="Ada Pemberton",
            Remote_Bio="Restores narrowboats.",
            Remote_Url="https://ada.example/",
            Remote_Avatar="https://ada.example/a.png",
            Remote_Groups="readers, editor ,,staff",
            Remote_Email="ada@blog.example",
        )
    )
    assert identity is not None
    assert (identity.site, identity.namespace, identity.subject) == ("blog", "forwarded", "ada@blog.example")
    assert identity.profile == Profile(
        "Ada Pemberton", "Restores narrowboats.", "https://ada.example/", "https://ada.example/a.png"
    )
    assert identity.roles == {Role.MODERATOR}


async def test_only_the_user_is_read_unless_more_headers_are_named(open_login: OpenLogin) -> None:
    """A header that the proxy does not set is the reader's own to write."""
    identity = await open_login().identify(
        through_proxy(
            X_Forwarded_User="ada",
            X_Forwarded_Preferred_Username="Somebody Else",
            X_Forwarded_Groups="admin",
            Name="Somebody Else",
            Roles="admin",
            Sub="eve",
        )
    )
    assert identity is not None
    assert (identity.subject, identity.profile, identity.roles) == ("ada", Profile("Reader"), frozenset())


@pytest.mark.parametrize(
    ("listed", "roles"),
    [
        ("admin", {Role.ADMIN}),
        ("admin,moderator", {Role.ADMIN, Role.MODERATOR}),
        (" admin\t", {Role.ADMIN}),
        (",admin,", {Role.ADMIN}),
        ("Admin", set()),
        ("admin moderator", set()),
        ("admin;moderator", set()),
        ("", set()),
        (",,", set()),
        ("administrators", set()),
    ],
)
async def test_roles_stand_between_commas(open_login: OpenLogin, listed: str, roles: set[Role]) -> None:
    login = open_login(headers={"roles": "X-Groups"})
    identity = await login.identify(through_proxy(X_Forwarded_User="ada", X_Groups=listed))
    assert identity is not None
    assert identity.roles == roles


async def test_login_maps_roles_of_its_own_and_may_be_barred_from_granting_any(open_login: OpenLogin) -> None:
    request = through_proxy(X_Forwarded_User="ada", X_Groups="owners,admin")
    own = {"headers": {"roles": "X-Groups"}, "roles": {"admin": ["owners"], "moderator": []}}
    identity = await open_login(**own).identify(request)
    assert identity is not None
    assert identity.roles == {Role.ADMIN}
    barred = await open_login(**own, may_moderate=False).identify(request)
    assert barred is not None
    assert barred.roles == frozenset()


@pytest.mark.parametrize(
    ("peer", "trusted", "proxies", "counts"),
    [
        ("10.0.0.2", True, [], True),
        ("10.0.0.2", False, [], False),
        (None, True, [], False),
        (None, False, [], False),
        ("10.0.0.2", True, ["10.0.0.2"], True),
        ("10.0.0.2", True, ["10.0.0.0/24"], True),
        ("10.0.0.2", True, ["192.0.2.1", "10.0.0.2/32"], True),
        ("10.0.0.2", True, ["10.0.0.3"], False),
        ("10.0.0.2", False, ["10.0.0.2"], False),
        ("fd00::2", True, ["fd00::/64"], True),
        ("fd00:0:0:1::2", True, ["fd00::/64"], False),
        ("fd00::2", True, ["0.0.0.0/0"], False),
        ("10.0.0.2", True, ["::/0"], False),
    ],
)
@pytest.mark.parametrize("subject", ["ada", "\udcff", "x" * 300])
async def test_headers_count_only_from_a_listed_proxy_and_are_not_even_read_from_others(
    open_login: OpenLogin, peer: str | None, trusted: bool, proxies: list[str], counts: bool, subject: str
) -> None:
    login = open_login(proxies=proxies)
    request = through_proxy(peer, trusted=trusted, X_Forwarded_User=subject, X_Forwarded_For="10.0.0.2")
    if not counts:
        assert await login.identify(request) is None
    elif subject == "ada":
        identity = await login.identify(request)
        assert identity is not None
        assert identity.subject == "ada"
    else:
        with pytest.raises(InvalidCredential):
            await login.identify(request)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Forwarded_User": ""},
        {"X_Forwarded_User": " \t"},
        {"X_Forwarded_Groups": "admin"},
        {"Remote_User": "ada"},
    ],
)
async def test_request_in_which_the_proxy_names_nobody_carries_nothing(
    open_login: OpenLogin, headers: dict[str, Any]
) -> None:
    assert await open_login().identify(through_proxy(**headers)) is None


async def test_empty_headers_say_nothing(open_login: OpenLogin) -> None:
    login = open_login(headers=ALL_HEADERS)
    empty: dict[str, Any] = dict.fromkeys(
        ("Remote_Name", "Remote_Bio", "Remote_Url", "Remote_Avatar", "Remote_Groups"), ""
    )
    identity = await login.identify(through_proxy(Remote_User="ada", **empty))
    assert identity is not None
    assert (identity.profile, identity.roles) == (Profile("Reader"), frozenset())


@pytest.mark.parametrize(
    "headers",
    [
        {"Remote_User": "ada\udcff"},
        {"Remote_User": "a\0b"},
        {"Remote_User": "x" * 256},
        {"Remote_User": "\udcff"},
        {"Remote_User": "ada", "Remote_Name": "=?utf-8?q?a=00b?="},
        {"Remote_User": "ada", "Remote_Bio": "a\0b"},
        {"Remote_User": "ada", "Remote_Name": "\ud800"},
        {"Remote_User": "ada", "Remote_Groups": "admin," * 201},
        {"Remote_User": "eve\nada"},
        {"Remote_User": "\nada"},
        {"Remote_User": "ada", "Remote_Name": "Eve\nAda"},
        {"Remote_User": "ada", "Remote_Groups": "admin\nreaders"},
    ],
)
async def test_headers_that_cannot_be_an_identity_are_refused(open_login: OpenLogin, headers: dict[str, Any]) -> None:
    with pytest.raises(InvalidCredential):
        await open_login(headers=ALL_HEADERS).identify(through_proxy(**headers))


# --- More than ASCII --------------------------------------------------------------------------------------------------


def octets(value: bytes) -> str:
    """Octets of a header as the server hands them on."""
    return value.decode("utf-8", "surrogateescape")


SHOWN = {
    "UTF-8": (octets("Ada Łovelace 💛".encode()), "Ada Łovelace 💛"),
    "Latin-1": (octets(b"Zo\xeb M\xfcller"), "Zoë Müller"),
    "Latin-1 that is UTF-8 too": (octets(b"\xc3\xab"), "ë"),
    "Latin-1 with controls": (octets(b"A\x85d\x9ba\xe9"), "A daé"),
    "as Django writes it, base64": ("=?utf-8?b?0JDQtNCw?=", "Ада"),
    "as Django writes it, quoted": ("=?utf-8?q?Ada_=C5=81ovelace?=", "Ada Łovelace"),
    "upper case": ("=?UTF-8?Q?=C5=81ovelace?=", "Łovelace"),
    "Latin-1 word": ("=?iso-8859-1?q?Zo=EB?=", "Zoë"),
    "with a language": ("=?utf-8*en?q?Zo=C3=AB?=", "Zoë"),
    "two words": ("=?utf-8?q?Zo=C3=AB?= =?utf-8?q?_M?=", "Zoë M"),
    "a character cut in two": ("=?utf-8?b?xQ==?=  =?utf-8?b?gQ==?=", "Ł"),
    "two charsets": ("=?iso-8859-1?q?=EB?= =?utf-8?q?=C5=81?=", "ëŁ"),
    "among other words": ("Ada =?utf-8?q?=C5=81?= Byron", "Ada Ł Byron"),
    "line end inside": ("=?utf-8?q?Ada=0D=0AX:_y?=", "Ada X: y"),
    "direction override inside": ("=?utf-8?q?A=E2=80=AEda?=", "Ada"),
    "word inside a word": ("=?utf-8?q?=3D=3Futf-8=3Fq=3FEve=3F=3D?=", "=?utf-8?q?Eve?="),
    "glued to a letter": ("x=?utf-8?q?Eve?=", "x=?utf-8?q?Eve?="),
    "unknown charset": ("=?utf-7?q?+AOk-?=", "=?utf-7?q?+AOk-?="),
    "not base64": ("=?utf-8?b?***?=", "=?utf-8?b?***?="),
    "base64 of no UTF-8": ("=?utf-8?b?//8=?=", "=?utf-8?b?//8=?="),
    "unknown encoding": ("=?utf-8?x?Eve?=", "=?utf-8?x?Eve?="),
    "not ended": ("=?utf-8?q?Eve", "=?utf-8?q?Eve"),
    "empty word": ("=?utf-8?q??=", "Reader"),
    "many that are not ended": ("=?utf-8?q?" * 800, ("=?utf-8?q?" * 800)[:200]),
}


@pytest.mark.parametrize(("sent", "shown"), SHOWN.values(), ids=SHOWN)
async def test_name_and_bio_are_read_however_the_program_behind_the_proxy_writes_them(
    open_login: OpenLogin, sent: str, shown: str
) -> None:
    request = through_proxy(Remote_User="ada", Remote_Name=sent, Remote_Bio=sent)
    identity = await open_login(headers=ALL_HEADERS).identify(request)
    assert identity is not None
    assert identity.subject == "ada"
    assert identity.profile.name == shown
    assert (identity.profile.bio or "Reader")[:200] == shown


@pytest.mark.parametrize(
    ("sent", "link"),
    [
        ("=?utf-8?q?https=3A//ada=2Eexample/?=", "https://ada.example/"),
        ("=?utf-8?q?javascript=3Aalert=281=29?=", None),
        ("=?utf-8?q?https=3A//ada=2Eexample/=22=3E?=", None),
    ],
)
async def test_addresses_are_checked_after_they_were_decoded(
    open_login: OpenLogin, sent: str, link: str | None
) -> None:
    request = through_proxy(Remote_User="ada", Remote_Url=sent, Remote_Avatar=sent)
    identity = await open_login(headers=ALL_HEADERS).identify(request)
    assert identity is not None
    assert (identity.profile.url, identity.profile.avatar) == (link, link)


@pytest.mark.parametrize("sent", ["=?utf-8?q?ada?=", "=?utf-8?b?YWRh?=", "=?us-ascii?q?ada?=", "=?utf-8?q?ada?= "])
async def test_account_whose_name_reads_as_another_is_not_that_one(open_login: OpenLogin, sent: str) -> None:
    """Else whoever may choose a user name could choose one that is decoded to somebody else's."""
    login = open_login(headers=ALL_HEADERS)
    eve = await login.identify(through_proxy(Remote_User=sent))
    ada = await login.identify(through_proxy(Remote_User="ada"))
    assert eve is not None
    assert ada is not None
    assert (eve.subject, ada.subject) == (sent.strip(), "ada")


@pytest.mark.parametrize("sent", ["=?utf-8?q?admin?=", "readers,=?utf-8?q?admin?=", "=?utf-8?q?readers=2Cadmin?="])
async def test_group_whose_name_reads_as_another_grants_nothing(open_login: OpenLogin, sent: str) -> None:
    identity = await open_login(headers=ALL_HEADERS).identify(through_proxy(Remote_User="ada", Remote_Groups=sent))
    assert identity is not None
    assert identity.roles == frozenset()


@pytest.mark.parametrize(
    ("sent", "shown"),
    [("Łu".encode(), "Łu"), (b"Zo\xeb", "Zoë"), (b"=?utf-8?b?xYF1?=", "Łu"), (b"=?utf-8?q?=C5=81u?=", "Łu")],
)
async def test_reader_is_called_as_they_write_themselves(
    start_gatepost: StartGatepost, sent: bytes, shown: str
) -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["server"]["trusted_proxies"] = ["127.0.0.1"]

    login = {"kind": "forwarded", "headers": {"subject": "Remote-User", "name": "Remote-Name"}}
    gatepost = await start_gatepost(login=[login], change=change)
    answer = await send(gatepost, "GET", "/v1/sites/blog/me", ("Remote-User", "ada"), ("Remote-Name", sent))
    assert (answer.status, answer.json["user"]["name"]) == (200, shown)


# --- The shared secret ------------------------------------------------------------------------------------------------

WITH_SECRET = {"secret_header": "X-Proxy-Secret", "secret_env": SECRET_VARIABLE}


@pytest.fixture
def guarded(open_login: OpenLogin, monkeypatch: pytest.MonkeyPatch) -> ForwardedVerifier:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    return open_login(**WITH_SECRET)


async def test_proxy_that_knows_the_secret_is_believed(guarded: ForwardedVerifier) -> None:
    identity = await guarded.identify(through_proxy(X_Forwarded_User="ada", X_Proxy_Secret=SECRET))
    assert identity is not None
    assert identity.subject == "ada"


async def test_without_the_secret_it_is_as_if_nothing_had_been_sent(guarded: ForwardedVerifier) -> None:
    assert await guarded.identify(through_proxy(X_Forwarded_User="ada")) is None


@pytest.mark.parametrize(
    "shown", ["", " ", SECRET[:-1], SECRET + " ", SECRET.upper(), "x" * len(SECRET), "\udcff", "é", SECRET * 100]
)
async def test_wrong_secret_is_refused(guarded: ForwardedVerifier, shown: str) -> None:
    with pytest.raises(InvalidCredential):
        await guarded.identify(through_proxy(X_Forwarded_User="ada", X_Proxy_Secret=shown))


@pytest.mark.parametrize(("peer", "trusted"), [("10.0.0.2", False), (None, True)])
async def test_secret_alone_does_not_make_a_proxy(guarded: ForwardedVerifier, peer: str | None, trusted: bool) -> None:
    request = through_proxy(peer, trusted=trusted, X_Forwarded_User="ada", X_Proxy_Secret=SECRET)
    assert await guarded.identify(request) is None


async def test_secret_may_come_from_a_file(open_login: OpenLogin, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    login = open_login(secret_header="X-Proxy-Secret", secret_file=tmp_path / "secret")
    assert await login.identify(through_proxy(X_Forwarded_User="ada", X_Proxy_Secret=SECRET)) is not None


@pytest.mark.parametrize("secret", [None, "", "x" * 31])
def test_missing_or_short_secret_stops_the_start(
    open_login: OpenLogin, monkeypatch: pytest.MonkeyPatch, secret: str | None
) -> None:
    if secret is None:
        monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    else:
        monkeypatch.setenv(SECRET_VARIABLE, secret)
    with pytest.raises(ValueError, match="secret"):
        open_login(**WITH_SECRET)


# --- Configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"headers": {"subject": "X Forwarded User"}}, "headers.subject: "),
        ({"headers": {"subject": ""}}, "headers.subject: "),
        ({"headers": {"subject": None}}, "headers.subject: must be text in quotes"),
        ({"headers": {"user": "X-Forwarded-User"}}, "user: is not a setting"),
        ({"headers": {"name": "X-FORWARDED-USER"}}, "the header x-forwarded-user is named twice"),
        ({"headers": {"name": "X-A", "roles": "x-a"}}, "the header x-a is named twice"),
        ({"claims": {"subject": "X-Forwarded-User"}}, "name the headers in the table `headers`"),
        ({"proxies": ["10.0.0.1/8"]}, "write a network"),
        ({"proxies": ["proxy.example"]}, "write a network"),
        ({"secret_header": "X-Proxy-Secret"}, "exactly one of secret_env, secret_file"),
        ({"secret_env": "A"}, "needs secret_header"),
        ({"secret_header": "X-P", "secret_env": "A", "secret_file": "b"}, "exactly one of"),
        ({"secret_header": "X-Forwarded-User", "secret_env": "A"}, "named twice"),
        ({"secret": "hunter2"}, "secret: is not a setting"),
    ],
)
def test_mistake_in_the_settings_is_named_and_no_value_is_shown(change: dict[str, Any], sentence: str) -> None:
    def parse(**changes: Any) -> settings.Settings:
        block = {"kind": "forwarded", **changes}
        return settings.parse({"sites": {"blog": {"name": "A blog", "login": [block]}}})

    assert isinstance(parse().sites["blog"].login[0], ForwardedLogin)
    with pytest.raises(settings.SettingsError) as caught:
        parse(**change)
    assert sentence in str(caught.value)
    assert "hunter2" not in str(caught.value)
