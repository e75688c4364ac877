"""Whom a notice is sent to, each by an address that Apprise understands. Addresses hold secrets: nothing shows them.

Apprise (the extra `notify`) is asked for one target at a time, each on a thread of its own: it blocks, and so would
a server that hangs. A thread that is late is left alone, and its target is not asked again before it has ended.
"""

import asyncio
import hashlib
import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from service.notice_settings import NoticeSettings
from service.notices.letter import Format, Letter
from service.secret import read_secret
from service.settings import Site

if TYPE_CHECKING:  # an extra, and large: see `open_all`
    from apprise import NotifyBase

INSTALL: Final = "notices need the library Apprise: pip install 'gatepost[notify]'"
DEADLINE_SECONDS = 30.0
_BETWEEN: Final = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_PARTS: Final = re.compile(r"[/:@?&=,\s]+")
_ADDRESS: Final = re.compile(r"[^\s'\"]*(?:://|@)[^\s'\"]*")
_MASK: Final = "*****"
_SHORTEST_SECRET = 4
_SILENT: Final = ("apprise", "urllib3", "requests")
"""Loggers that name addresses, and speak of nothing else in this service."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it: None, or what went wrong, in words that hold no address."""

    target: "Target"
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """Whom a notice of a site goes to."""

    site: Site
    settings: NoticeSettings
    all: Sequence["Target"]


class Target:
    """One target. `label` is what people call it, `id` tells it from all others in the store.

    `number` counts addresses; `recipient` is one of several people to whom mails go by one address.
    """

    def __init__(self, number: str, address: str, service: "NotifyBase", *, recipient: str = "") -> None:
        self.label = f"{service.service_name} ({number})"
        self.id = hashlib.sha256(f"{address}{recipient}".encode()).hexdigest()[:16]
        self._address = address
        self._service = service
        self._is_busy = False

    async def send(self, letter: Letter) -> Told:
        """Send it, within DEADLINE_SECONDS."""
        if self._is_busy:
            return Told(self, "it still has not answered the notice before")
        self._is_busy = True
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return Told(self, await _on_a_thread(lambda: self._send(letter)))
        except TimeoutError:
            return Told(self, f"no answer within {DEADLINE_SECONDS:g} seconds")
        except Exception as error:  # noqa: BLE001  # whatever a library of a hundred protocols raises
            return Told(self, f"Apprise could not send it ({type(error).__name__})")

    def _send(self, letter: Letter) -> str | None:
        """On the thread. What went wrong, or None."""
        from apprise import Apprise, NotifyFormat

        try:
            wanted: Format = self._service.resolve_format(NotifyFormat.TEXT).value
            asked = Apprise(self._service, asset=self._service.asset)
            with asked.notify(letter.body(wanted), title=letter.title, body_format=wanted) as result:
                if result:
                    return None
                said = [entry.message for one in result for entry in one.logs()]
            return self._masked(said[-1]) if said else "it did not take it"
        finally:
            self._is_busy = False

    def _masked(self, said: str) -> str:
        """What Apprise says, without anything that stands in the address."""
        said = _ADDRESS.sub(_MASK, said)
        written = f"{self._address} {unquote(self._address)}"
        parts = {part for part in _PARTS.split(written) if len(part) >= _SHORTEST_SECRET}
        for part in sorted(parts, key=len, reverse=True):
            said = said.replace(part, _MASK)
        return said


def open_all(settings: NoticeSettings) -> list[Target]:
    """The targets of a notice. Raises ValueError with the fix where one cannot be used."""
    for name in _SILENT:
        logging.getLogger(name).propagate = False
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError:
        raise ValueError(INSTALL) from None
    addresses = _addresses(settings)
    # Nothing is kept on disk, nothing loaded from there; no pictures are fetched from elsewhere, no redirect followed.
    asset = AppriseAsset(
        app_id="Gatepost",
        app_desc="Gatepost",
        app_url="",
        storage_mode="memory",
        plugin_paths=None,
        allow_templates=False,
        image_url_mask="",
        image_url_logo="",
        image_path_mask=False,
        pgp_autogen=False,
        pem_autogen=False,
        http_redirects=False,
        interpret_escapes=False,
        async_mode=False,
        service_timeout=0,
    )
    targets: list[Target] = []
    for number, address in enumerate(addresses, 1):
        service = Apprise.instantiate(address, asset=asset)
        if service is None:
            raise ValueError(
                f"address {number} of {len(addresses)} in {settings.to_env} is none that Apprise can use: write it as "
                "https://github.com/caronc/apprise/wiki says (docs/notices.md has the usual ones)"
            )
        targets += _each(number, address, service)
    return targets


def _each(number: int, address: str, service: "NotifyBase") -> Iterator[Target]:
    """The target at an address. Each recipient of mails is one: whom a server takes nothing for must not have the
    others told again."""
    from apprise.plugins.email import NotifyEmail

    if not isinstance(service, NotifyEmail) or len(service.targets) < 2:
        yield Target(str(number), address, service)
        return
    for place, (name, recipient) in enumerate(service.targets, 1):
        one = copy(service)
        one.targets = [(name, recipient)]
        yield Target(f"{number}.{place}", address, one, recipient=recipient)


def _addresses(settings: NoticeSettings) -> list[str]:
    text = read_secret(variable=settings.to_env).decode("utf-8", "replace").strip(" \t\r\n,")
    addresses = [address for address in _BETWEEN.split(text) if address]
    if not addresses:
        raise ValueError(f"{settings.to_env} is empty: set it to Apprise addresses, with commas between")
    return list(dict.fromkeys(addresses))


async def _on_a_thread(work: Callable[[], str | None]) -> str | None:
    """Run it on a thread that a stop of the process does not wait for."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[str | None] = loop.create_future()

    def settle(outcome: str | None, error: Exception | None) -> None:
        if not ended.done():  # else nobody waits any more
            ended.set_result(outcome) if error is None else ended.set_exception(error)

    def run() -> None:
        outcome, fault = None, None
        try:
            outcome = work()
        except Exception as error:  # noqa: BLE001  # raised where it is waited for
            fault = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, outcome, fault)

    threading.Thread(target=run, name="notice", daemon=True).start()
    return await ended
