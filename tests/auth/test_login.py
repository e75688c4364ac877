"""What all logins share: how claims become an identity, who may moderate, which people are the same."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from structlog.testing import capture_logs

from service import strict_json
from service.auth.jwt import JwtLogin
from service.auth.kinds import LoginSettings
from service.auth.login import (
    MAX_BIO,
    MAX_NAME,
    UNNAMED,
    BaseLogin,
    Credentials,
    LoginRoles,
    author_key,
    identity_from,
    log_refusal,
    reason_of,
    refused,
    unavailable,
)
from service.errors import InvalidCredential, LoginUnavailable
from service.model import Identity, Profile, Role, SiteKey
from tests.auth.forge import SECRET

SITE = SiteKey("blog")


def identity(claims: dict[str, Any], **settings: Any) -> Identity:
    return identity_from({"sub": "ada", **claims}, site=SITE, settings=login(**settings), roles=LoginRoles())


def login(**settings: Any) -> BaseLogin:
    return BaseLogin.model_validate({"kind": "some", **settings})


# --- Who is the same person -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {}, True),
        ({"kind": "jwt"}, {"kind": "oidc"}, False),
        ({"name": "a"}, {"name": "b"}, False),
        ({"name": "a", "shares_subjects": "us"}, {"name": "b", "shares_subjects": "us"}, True),
        ({"name": "a", "shares_subjects": "us"}, {"name": "b", "shares_subjects": "them"}, False),
        ({"name": "a"}, {"name": "b", "shares_subjects": "a"}, True),
        ({"name": "a", "shares_subjects": "us"}, {"name": "a"}, False),
    ],
)
def test_same_subject_is_the_same_person_only_where_the_site_says_so(
    one: dict[str, str], other: dict[str, str], same: bool
) -> None:
    keys = {author_key(b"k" * 32, identity({}, **settings)) for settings in (one, other)}
    assert len(keys) == (1 if same else 2)


def test_identity_remembers_the_login_also_where_subjects_are_shared() -> None:
    found = identity({}, name="a", shares_subjects="us")
    assert (found.login, found.namespace) == ("a", "us")


def test_author_key_differs_by_site_namespace_subject_and_secret() -> None:
    parts = [("s", "n", "u"), ("s2", "n", "u"), ("s", "n2", "u"), ("s", "n", "u2"), ("sn", "", "u"), ("s", "nu", "")]
    keys = {author_key(b"k" * 32, Identity(SiteKey(s), n, u, Profile("x"))) for s, n, u in parts}
    keys.add(author_key(b"l" * 32, Identity(SITE, "n", "u", Profile("x"))))
    assert len(keys) == len(parts) + 1


@pytest.mark.parametrize("value", ["", "Us", "a b", "a:b", "-a", "a" * 64, 1])
def test_shared_namespace_is_a_name_like_that_of_a_login(value: Any) -> None:
    with pytest.raises(ValidationError):
        login(shares_subjects=value)


# --- Roles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "roles"),
    [
        (None, set()),
        ([], set()),
        (["moderator"], {Role.MODERATOR}),
        (["editor", "x"], {Role.MODERATOR}),
        (["admin"], {Role.ADMIN}),
        (["admin", "moderator"], {Role.ADMIN, Role.MODERATOR}),
        (["Moderator"], set()),
        (["moderator "], set()),
        (["administrator"], set()),
    ],
)
def test_role_is_granted_for_exactly_the_configured_words(listed: list[str] | None, roles: set[Role]) -> None:
    assert identity({"roles": listed}).roles == roles


def test_login_that_may_not_moderate_grants_nothing() -> None:
    claims = {"roles": ["moderator", "admin"]}
    assert identity(claims).roles == {Role.MODERATOR, Role.ADMIN}
    assert identity(claims, may_moderate=False).roles == set()


def test_mapping_of_the_login_stands_instead_of_that_of_the_site() -> None:
    own = {"claim": "groups", "moderator": ["comments"], "admin": []}
    claims = {"roles": ["admin"], "groups": ["comments"]}
    assert identity(claims).roles == {Role.ADMIN}
    assert identity(claims, roles=own).roles == {Role.MODERATOR}


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("a.b.c", {"a": {"b": {"c": ["admin"]}}}),
        ("https://blog.example/roles", {"https://blog.example/roles": ["admin"]}),
        ("a.b", {"a.b": ["admin"], "a": {"b": ["moderator"]}}),
    ],
)
def test_roles_stand_at_a_dotted_path_or_under_a_whole_name(path: str, claims: dict[str, Any]) -> None:
    assert identity(claims, roles={"claim": path}).roles == {Role.ADMIN}


@pytest.mark.parametrize(
    "claims", [{}, {"a": None}, {"a": []}, {"a": "b"}, {"a": {"b": None}}, {"a": {"c": ["admin"]}}]
)
def test_path_that_leads_nowhere_grants_nothing(claims: dict[str, Any]) -> None:
    assert identity(claims, roles={"claim": "a.b"}).roles == set()


# --- What readers are shown -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "shown"),
    [
        ("Ada", "Ada"),
        ("  Ada \t\n Lovelace\u2028 ", "Ada Lovelace"),
        ("Ada\u202egnp.exe", "Adagnp.exe"),
        ("A\u200bd\u2060a\ufeff", "Ada"),
        ("A\x07da\x1b[31m", "Ada[31m"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
        ("Ada <b>", "Ada <b>"),
        ("", UNNAMED),
        (" \n", UNNAMED),
        ("\u200b\u202e", UNNAMED),
        (None, UNNAMED),
        ("x" * 1000, "x" * MAX_NAME),
    ],
)
def test_name_is_one_clean_line(claimed: str | None, shown: str) -> None:
    assert identity({"name": claimed}).profile.name == shown


def test_biography_is_cut_to_its_limit() -> None:
    assert identity({"bio": "x" * 5000}).profile.bio == "x" * MAX_BIO


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        ("https://ada.example/", True),
        ("http://ada.example/?a=b&c=d#e", True),
        ("HTTPS://ADA.EXAMPLE", True),
        ("https://xn--d-fia.example/ä", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("data:text/html,x", False),
        ("//ada.example", False),
        ("/ada", False),
        ("ada.example", False),
        ("https://", False),
        ("https:///path", False),
        ("https://bank.example@evil.example/", False),
        ("https://a:b@evil.example/", False),
        ('https://ada.example/"onclick="x', False),
        ("https://ada.example/<script>", False),
        ("https://ada.example/ x", False),
        ("https://ada.example/\n", False),
        ("https://ada.example/\x07", False),
        ("https://ada.example/\u202e", False),
        ("https://ada.example\\@evil.example", False),
        ("https://[::1", False),
        ("https://ada.example/" + "x" * 2000, False),
        ("", False),
    ],
)
@pytest.mark.parametrize("claim", ["website", "picture"])
def test_address_is_kept_only_where_a_browser_may_follow_it(claim: str, claimed: str, kept: bool) -> None:
    profile = identity({claim: claimed}).profile
    assert (profile.url or profile.avatar) == (claimed if kept else None)


@given(st.text(max_size=300))
def test_any_text_makes_a_clean_name_or_is_refused(text: str) -> None:
    try:
        name = identity({"name": text}).profile.name
    except InvalidCredential:
        assert "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)
        return
    assert 0 < len(name) <= MAX_NAME
    assert name == " ".join(name.split())
    assert name.encode()


# --- Reasons ----------------------------------------------------------------------------------------------------------


def test_reason_is_for_the_log_and_in_nothing_that_a_client_sees() -> None:
    for fault, plain in ((refused("why"), InvalidCredential()), (unavailable("why"), LoginUnavailable())):
        assert reason_of(fault) == "why"
        assert (fault.detail, fault.members, str(fault)) == (plain.detail, plain.members, str(plain))
    assert reason_of(InvalidCredential()) == "no reason given"


def test_reason_survives_being_raised_from_something_else() -> None:
    def raise_again() -> None:
        try:
            raise ValueError("secret")
        except ValueError:
            raise refused("why") from None

    with pytest.raises(InvalidCredential) as refusal:
        raise_again()
    assert reason_of(refusal.value) == "why"


def test_login_that_cannot_be_asked_is_logged_as_such() -> None:
    with capture_logs() as events:
        log_refusal("blog", unavailable("down"))
    assert events == [{"event": "login.unavailable", "login": "blog", "reason": "down", "log_level": "info"}]


def test_request_carries_nothing_unless_it_says_so() -> None:
    nothing = Credentials()
    assert (nothing.bearer, nothing.peer, nothing.trusted_peer) == (None, None, False)
    assert not nothing.cookies
    assert not nothing.headers


# --- The list of kinds ------------------------------------------------------------------------------------------------


def test_kind_chooses_the_settings() -> None:
    table = {"kind": "jwt", "algorithms": ["HS256"], "secret": SECRET, "issuer": "i", "audience": "a"}
    assert isinstance(TypeAdapter(LoginSettings).validate_python(table), JwtLogin)


@pytest.mark.parametrize("kind", [None, "password", "JWT"])
def test_unknown_kind_is_a_mistake(kind: str | None) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(LoginSettings).validate_python({} if kind is None else {"kind": kind})


# --- Strict JSON ------------------------------------------------------------------------------------------------------

any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(any_json)
def test_ordinary_json_is_read_as_everybody_reads_it(value: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Any)
    assert strict_json.parse_clean(adapter.dump_json(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_value_error(raw: bytes) -> None:
    with suppress(ValueError):
        strict_json.parse_clean(raw)
