"""Is this machine's clock that of the blog? Tokens are judged by it, and nothing else shows that it is wrong."""

from collections.abc import Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from service.auth.fetch import Fetch, Heard
from service.checkup.finding import Finding, ok, warn
from service.errors import LoginUnavailable
from service.model import Clock
from service.settings import Site

MOST_SECONDS = 60
"""More than any leeway; answers were heard up to some seconds ago, and say whole seconds."""


async def examine(site: Site, heard: list[Heard], *, fetch: Fetch, clock: Clock) -> list[Finding]:
    """By the `Date` (RFC 9110, 6.6.1) of those whom the site's logins asked; where none did, the blog is asked for it.

    `fetch` adds to `heard`. Nothing is found where nobody answers: what that means, the logins say.
    """
    judges_by_time = any(login.kind == "jwt" for login in site.login)
    if not heard and judges_by_time and site.origins:
        with suppress(LoginUnavailable):  # whatever it answers, it may say what time it is
            await fetch.get(f"{site.origins[0]}/")
    differences = _differences(heard, now_seconds=clock() // 1000)
    if not differences:
        return []
    seconds, host = max(differences, key=lambda found: abs(found[0]))
    if abs(seconds) <= MOST_SECONDS:
        return [ok("clock", f"agrees with that of {host}")]
    side = "ahead of" if seconds > 0 else "behind"
    text = f"this machine's is {_span(abs(seconds))} {side} that of {host}: tokens end too early or begin too late"
    return [warn("clock", text, "let both machines keep time (NTP)")]


def _differences(heard: Sequence[Heard], *, now_seconds: int) -> list[tuple[int, str]]:
    """By how many seconds we are ahead of whom. An answer out of a cache (`Age`) says an old time."""
    found = []
    for one in heard:
        headers = {name.lower(): value for name, value in one.headers.items()}
        if "age" in headers or "date" not in headers:
            continue
        try:
            theirs = round(parsedate_to_datetime(headers["date"]).timestamp())
        except (ValueError, OverflowError):
            continue
        found.append((now_seconds - theirs, urlsplit(one.url).hostname or "the blog"))
    return found


def _span(seconds: int) -> str:
    return f"{round(seconds / 60)} minutes" if seconds >= 90 else f"{seconds} seconds"
