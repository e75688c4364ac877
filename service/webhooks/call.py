"""The call to the receiver of a webhook, signed as Standard Webhooks says. For `webhook`, and for whoever tries one.

`outbound` makes the call, `standardwebhooks` the signature. Only the status and the headers of the answer count: its
body is not read.
"""

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

import pydantic_core
from standardwebhooks import Webhook as Signer

from service.delivery.outside_events import TEST
from service.model import Clock, SiteKey, new_id
from service.outbound.client import CallError, Outbound, Terms
from service.secret import read_secret
from service.store.deliveries import Try
from service.webhook_settings import WebhookSettings

PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)
"""How long a secret may be, as the specification recommends."""
MAKE_ONE = "make one with: printf 'whsec_%s' $(openssl rand -base64 32)"
GONE = 410
MOST_SAID = 100
"""Characters of the host of a redirect that are said."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a try: what is kept of it, and what the receiver asks for. `fix`: what an owner can do."""

    tried: Try
    retry_after: str | None = None
    fix: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether it is delivered."""
        return self.tried.error is None

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        return self.tried.status == GONE


class WebhookCall:
    """Calls one receiver. Raises ValueError with the fix when a secret is not there or is none."""

    def __init__(
        self,
        settings: WebhookSettings,
        site: SiteKey,
        client: Outbound,
        *,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.site = site
        self._client = client
        self._clock = clock
        self._monotonic = monotonic
        self._signers = _signers(settings)
        self._terms = Terms("webhook", settings.timeout_seconds, of=f"{site}/{settings.name}")

    async def send(self, event_id: str, content: bytes) -> Answered:
        """One try."""
        at, began = self._clock(), self._monotonic()
        try:
            async with self._client.call(
                "POST", self.settings.url, self._terms, headers=self._headers(event_id, content, at), content=content
            ) as answer:
                status, headers = answer.status, answer.headers
        except CallError as fault:
            return Answered(Try(at, None, str(fault), self._since(began)), fix=fault.fix)
        tried = Try(at, status, _mistake(status, headers.get("Location")), self._since(began))
        return Answered(tried, headers.get("Retry-After"))

    async def test(self) -> Answered:
        """Send an event that says nothing."""
        now = self._clock()
        event_id = new_id(now)
        moment = datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event: dict[str, Any] = {"id": event_id, "type": TEST, "timestamp": moment}
        event["data"] = {"site": self.site, "seq": 0}
        return await self.send(event_id, pydantic_core.to_json(event))

    def _headers(self, event_id: str, content: bytes, at: int) -> dict[str, str]:
        """`standardwebhooks` signs wrongly for aware times that are not UTC; this one is."""
        moment = datetime.fromtimestamp(at // 1000, UTC)
        signatures = [signer.sign(event_id, moment, content.decode()) for signer in self._signers]
        return {
            "Content-Type": "application/json",
            "User-Agent": f"Gatepost/{_version()}",
            "webhook-id": event_id,
            "webhook-timestamp": str(at // 1000),
            "webhook-signature": " ".join(signatures),
        }

    def _since(self, began: float) -> int:
        return round((self._monotonic() - began) * 1000)


def _mistake(status: int, location: str | None) -> str | None:
    """What is wrong with an answer; None where the event is delivered."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"it redirects{_to(location)} (status {status}), and redirects are not followed"
    if status == GONE:
        return "it wants nothing any more (status 410)"
    return f"its status is {status}"


def _to(location: str | None) -> str:
    """Where a redirect leads, as far as everybody may read it: a receiver repeats the path and the query, which may be
    secret. Nothing where the header is no address of HTTP with an ordinary host."""
    try:
        target = urlsplit(location or "")
        host = target.hostname or ""
    except ValueError:
        return ""
    is_ordinary = host.isascii() and host.isprintable() and target.scheme in ("http", "https")
    return f" to {target.scheme}://{host[:MOST_SAID]}" if host and is_ordinary else ""


def _signers(settings: WebhookSettings) -> list[Signer]:
    """One for each secret: while a secret is replaced, both sign."""
    text = read_secret(variable=settings.secret_env, file=settings.secret_file).decode("ascii", "replace")
    secrets = [secret.strip() for secret in text.split(",") if secret.strip()]
    if not secrets:
        raise ValueError(f"the secret is empty: {MAKE_ONE}")
    return [_signer(secret) for secret in secrets]


def _signer(secret: str) -> Signer:
    try:
        length = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
    except binascii.Error:
        length = 0
    if not secret.startswith(PREFIX) or length not in SECRET_BYTES:
        raise ValueError(f"a secret is {PREFIX} and base64 of 24 to 64 bytes (several with commas between): {MAKE_ONE}")
    return Signer(secret)


@cache
def _version() -> str:
    """Read once: it takes milliseconds each time."""
    try:
        return version("gatepost")
    except PackageNotFoundError:  # run from a clone that nobody installed
        return "0"
