"""What came back when a login asked with a credential that nobody ever issued, put into findings."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from service.auth.fetch import Heard
from service.auth.login import Login, fix_of, reason_of
from service.auth.session import SessionLogin
from service.checkup.finding import Finding, fail, ok, warn
from service.errors import InvalidCredential, LoginUnavailable

GATE = re.compile(r"\s*(basic|digest|negotiate|ntlm)\b", re.IGNORECASE)
"""Schemes that browsers and servers speak before there is a blog: a page of the blog's own does not ask with them."""
LET_THROUGH = "let Gatepost's machine ask the who-am-I address without that password, and exempt /v1/ from it"
MEMBER = re.compile(r"[\w.-]{1,40}", re.ASCII)
MOST_MEMBERS = 8


def look_up(kind: str) -> str:
    """What to do where the fault itself does not say."""
    return f"look it up at the end of docs/login/{kind}.md"


def unavailable(login: Login, fault: LoginUnavailable, heard: Sequence[Heard], *, subject: str) -> Finding:
    """The login could not ask, or got nothing that it can use."""
    if login.kind == "introspection" and heard and heard[-1].status in {401, 403}:
        fix = "correct client_id, the client's secret (client_secret_env or _file) and client_authentication"
        return fail(subject, f"does not take this client: it answers {heard[-1].status}", fix)
    return fail(subject, f"cannot be asked ({reason_of(fault)})", fix_of(fault) or look_up(login.kind))


def refused(login: Login, settings: Any, fault: InvalidCredential, heard: Sequence[Heard], *, subject: str) -> Finding:
    """The login refused the made-up credential: as it should, if it was for the right reason."""
    if isinstance(settings, SessionLogin) and heard:
        return _session(settings, heard[-1], subject=subject)
    if login.kind == "introspection" and heard:
        text = f"answered a made-up token with {heard[-1].status}: {reason_of(fault)}, as it should be"
        return ok(subject, text)
    status, text = login.health()
    return ok(subject, text) if status == "pass" else fail(subject, text, look_up(login.kind))


def gate(heard: Sequence[Heard], *, subject: str) -> Iterator[Finding]:
    """A password that the blog's server asks for before the blog is asked (a staging site, for example)."""
    asked = heard[-1].headers.get("WWW-Authenticate", "") if heard and heard[-1].status in {401, 403} else ""
    found = GATE.match(asked)
    if not found:
        return
    text = f"the who-am-I address answers {heard[-1].status} and wants a password first (HTTP {found[1].capitalize()})"
    if "json" in heard[-1].headers.get("Content-Type", ""):  # frameworks for APIs say so too, and mean nobody by it
        yield warn(subject, f"{text}: if that is not the blog's own answer, nobody can log in", LET_THROUGH)
    else:
        yield fail(subject, f"{text}: nobody can log in", LET_THROUGH)


def _session(settings: SessionLogin, last: Heard, *, subject: str) -> Finding:
    for found in gate([last], subject=subject):
        return found
    made_up = f"answered a made-up cookie with {last.status}"
    member = settings.claims.subject
    if isinstance(last.value, dict) and not _has(last.value, member):
        names = [name for name in last.value if MEMBER.fullmatch(name)][:MOST_MEMBERS]
        text = f"{made_up} and an object without `{member}` (it has: {', '.join(names) or 'nothing'})"
        fix = (
            "if that is the blog's way to say nobody, all is well: try --cookie with a real one; "
            "else correct the address, or name the member in claims.subject"
        )
        return warn(subject, f"{text}: is that the who-am-I address?", fix)
    return ok(subject, f"{made_up}: nobody is logged in, as it should be")


def _has(answer: dict[str, Any], path: str) -> bool:
    """Whether the answer speaks of the member at all: the whole name, or the first step of a dotted path as null."""
    if path in answer:
        return True
    first, _, rest = path.partition(".")
    if not rest or first not in answer:
        return False
    inner = answer[first]
    return not inner or (isinstance(inner, dict) and _has(inner, rest))
