"""What logins ask of other servers: discovery, key sets, introspection and who-am-I calls all go through one `Fetch`.

The calls are made by `outbound`, with a time limit and a size limit. An answer counts only as strict JSON; every fault
is a LoginUnavailable, its reason in the log.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from yarl import URL

from service import strict_json
from service.auth.login import RETRY_AFTER_SECONDS, unavailable
from service.outbound.client import Answer, CallError, Outbound, Terms

log = structlog.get_logger(__name__)

TOTAL_SECONDS = 5.0
MAX_BYTES = 1024 * 1024
LONG_BYTES = 64 * 1024
MAX_RETRY_AFTER_SECONDS = 60
NOT_THE_PLACE = "correct the address: another page answers there, or an error in the shape of one"
FIXES = {
    401: "let it answer this machine without a login of its own, and see that it is the right address",
    403: "let it answer this machine, and see that it is the right address",
    404: "correct the address: its path, and whether it ends in a slash",
    405: "correct the address: this one takes other questions",
    429: "let this machine ask as often as readers come",
}
"""What to do about a status, where it is not simply the other side's own trouble."""
ITS_OWN_TROUBLE = (
    "look into the log of the server that answers there; if it is another server than it should be, correct it"
)
HEADERS = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a login is told. `value` is the parsed JSON of a 200, and of a 400 that has some; of no other body."""

    status: int
    value: Any = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer, whatever became of it: for `gatepost check`, which says more about it than a login needs to know."""

    url: str
    status: int
    headers: Mapping[str, str]
    value: Any = None


class Fetch:
    """Fetches JSON for all logins. `witness` is told every answer."""

    def __init__(
        self,
        client: Outbound,
        *,
        total_seconds: float = TOTAL_SECONDS,
        max_bytes: int = MAX_BYTES,
        witness: Callable[[Heard], object] | None = None,
    ) -> None:
        self._client = client
        self._terms = Terms("login", total_seconds, max_bytes)
        self._witness = witness

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None, also: Collection[int] = ()) -> Fetched:
        """What is at `url`. Statuses other than 200 and those in `also` raise LoginUnavailable, as every fault does."""
        return await self._fetch("GET", url, headers=headers, also=also, form=None)

    async def post(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None, also: Collection[int] = ()
    ) -> Fetched:
        """The answer to `form`, sent as `application/x-www-form-urlencoded`. Statuses and faults as with `get`."""
        return await self._fetch("POST", url, headers=headers, also=also, form=form)

    async def _fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None,
        also: Collection[int],
        form: Mapping[str, str] | None,
    ) -> Fetched:
        retry_after_seconds = RETRY_AFTER_SECONDS
        every_header = {**HEADERS, **(headers or {})}
        try:
            async with self._client.call(method, url, self._terms, headers=every_header, form=form) as answer:
                if answer.status == 200:
                    return Fetched(200, await self._value(url, answer))
                self._show(url, answer)
                if answer.status in also:
                    return Fetched(answer.status, await _explained(answer))
                retry_after_seconds = _retry_after_seconds(answer)
                reason, fix = _about_status(answer)
        except CallError as fault:
            reason, fix = str(fault), fault.fix
        except ValueError as error:
            reason, fix = f"the answer is no good: {error}", NOT_THE_PLACE
        log.warning("login.fetch_failed", method=method, url=_shown(url), reason=reason)
        raise unavailable(reason, retry_after_seconds=retry_after_seconds, fix=fix)

    async def _value(self, url: str, answer: Answer) -> Any:
        """The JSON of a good answer. Raises CallError or ValueError where it has none."""
        value = None
        try:
            value = await _json(answer)
        finally:
            self._show(url, answer, value)
        return value

    def _show(self, url: str, answer: Answer, value: Any = None) -> None:
        if self._witness is not None:
            self._witness(Heard(url, answer.status, answer.headers, value))


async def _json(answer: Answer) -> Any:
    """The JSON in an answer. A long one is parsed in a thread, to hold up nobody. Raises CallError and ValueError."""
    if not _is_json(answer):
        raise ValueError("its content type is not JSON in UTF-8")
    body = await answer.body()
    if len(body) <= LONG_BYTES:
        return strict_json.parse_clean(body)
    return await asyncio.to_thread(strict_json.parse_clean, body)


async def _explained(answer: Answer) -> Any:
    """What a 400 says about itself, as the errors of OAuth do (RFC 6749, 5.2); None where it says nothing."""
    if answer.status != 400:
        return None
    try:
        return await _json(answer)
    except (CallError, ValueError):
        return None


def _is_json(answer: Answer) -> bool:
    """`application/json`, or a type made from it such as `application/jwk-set+json` (RFC 6839), in UTF-8."""
    if "Content-Type" not in answer.headers or answer.charset.replace("_", "-") not in {"", "utf-8", "utf8"}:
        return False
    kind = answer.content_type
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _about_status(answer: Answer) -> tuple[str, str]:
    """What is said about an answer that is none, and what to do."""
    status = answer.status
    if not 300 <= status < 400:
        return f"its status is not 200 ({status})", FIXES.get(status, ITS_OWN_TROUBLE)
    target = answer.headers.get("Location")
    if not target:
        return f"it redirects ({status}), and does not say where to", NOT_THE_PLACE
    fix = "write the address that it leads to; where that is a login page, let the address answer without one"
    return f"it redirects ({status}) to {_joined(answer.url, target)}", fix


def _joined(url: URL, target: str) -> str:
    """Where a redirect leads, for the log: `target` may be relative."""
    try:
        return _shown(str(url.join(URL(target))))
    except ValueError:
        return "an address that is not one"


def _retry_after_seconds(answer: Answer) -> int:
    """What the other side asks us to wait, within reason; dates (RFC 9110, 10.2.3) are not worth the reading."""
    text = answer.headers.get("Retry-After", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return RETRY_AFTER_SECONDS
    return min(max(int(text), 1), MAX_RETRY_AFTER_SECONDS)


def _shown(url: str) -> str:
    """`url` for the log: without a query, which may hold secrets, and without name and password."""
    try:
        return str(URL(url).with_user(None).with_query(None).with_fragment(None))
    except ValueError:
        return "an address that is not one"
