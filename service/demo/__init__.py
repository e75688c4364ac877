"""`gatepost demo`: a blog with comments that needs no configuration and leaves nothing behind.

Starts Gatepost on a store in a temporary folder and, on a port and so an origin of its own, a small blog (`blog.py`)
whose readers comment through it. Called by `cli`.
"""

import asyncio
import errno
import secrets
import socket
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from aiohttp import web
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from service import app, logs, process
from service.auth.jwt import JwtLogin
from service.auth.session import SessionLogin
from service.demo import blog, conversation
from service.demo.blog import Blog
from service.model import system_clock
from service.settings import DatabaseSettings, Log, Server, Settings, Site
from service.web import listener

HOST, EVERY_HOST = "127.0.0.1", ("0.0.0.0", "::")  # noqa: S104  # on every address only if asked to
PORTS_TO_TRY = 50
LAST_PORT = 65_535
CREDENTIALS = ("token", "cookie")
"""The ways in which the page can prove to Gatepost who is logged in at the blog."""
WELCOME = """
  The blog    {blog}
  Gatepost    {gatepost}  (its API: {gatepost}/docs)
  Its store   {folder}  (removed when you stop)

  Try this
    1. Read the page as a visitor: where you would type stands "LOGIN to add comments".
    2. Switch to Ada at the top, post a comment: it awaits moderation, and only Ada sees it.
    3. Switch to Mo, the moderator, and open the desk: approve it with the key "a". As a visitor: there it is.
       Percy's comment waits as well: a rule holds it, and the card marks why.
    4. Edit or withdraw it as Ada; reject something with a note; press a button twice; have the desk in two windows.
  The foot of the page shows every call as a line of curl.

  Ctrl-C stops the demo.
"""


class DemoSettings(Settings):
    """Settings that take nothing from the environment: the demo must never write into the store of a real service."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the demo itself says."""
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo at work: the addresses of its blog and of Gatepost, and the folder that holds the store."""

    blog: str
    gatepost: str
    folder: Path


async def run(*, host: str, port: int, blog_port: int, open_browser: bool) -> None:
    """Run until a signal asks to stop. Port 0 lets the system choose; for a port in use the next free one is taken.

    Raises OSError when there is no free port, or no such address on this machine.
    """
    logs.configure(Log(level="warning", format="console"))
    with process.asked_to_stop() as asked:
        async with started(host=host, port=port, blog_port=blog_port, say=typer.echo) as demo:
            typer.echo(WELCOME.format(blog=demo.blog, gatepost=demo.gatepost, folder=demo.folder))
            if open_browser:
                await asyncio.to_thread(_show, demo.blog)
            await asked.wait()
        typer.echo("The demo has stopped; nothing of it is left.")


@asynccontextmanager
async def started(
    *, host: str = HOST, port: int = 0, blog_port: int = 0, say: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Demo]:
    """A demo that works within the `async with`. `say` hears about ports that were taken. Raises as `run` does."""
    with (
        tempfile.TemporaryDirectory(prefix="gatepost-demo-") as folder,
        _free_port(host, blog_port, "the blog", say) as doors,
    ):
        origin = _address(host, doors)
        secret = secrets.token_hex(32)
        with _free_port(host, port, "Gatepost", say) as gates:
            address, gatepost_port = _address(host, gates), _port_of(gates)
        settings = _settings(origin=origin, secret=secret, host=host, port=gatepost_port, folder=Path(folder))
        gatepost = await app.start(settings, clock=system_clock)
        try:
            known = Blog(origin, address, secret, system_clock, credentials=CREDENTIALS)
            async with _open_doors(known, doors):
                await conversation.hold(known)
                yield Demo(origin, address, Path(folder))
        finally:
            await gatepost.stop()


def _settings(*, origin: str, secret: str, host: str, port: int, folder: Path) -> Settings:
    token = JwtLogin(algorithms=("HS256",), secret=secret, issuer=origin, audience=blog.AUDIENCE)
    # The same readers by either way: Ada's comments stay hers when the page changes from token to cookie.
    cookie = SessionLogin(url=f"{origin}/whoami", cookies=(blog.SESSION_COOKIE,), shares_subjects=token.label)
    site = Site(
        name="Notes from the Towpath",
        origins=(origin,),
        login_url=f"{origin}/login?next={{url}}",
        login=(token, cookie),
    )
    return DemoSettings(
        server=Server(host=host, port=port, drain_seconds=0, grace_seconds=1),
        database=DatabaseSettings(url=f"sqlite:///{folder / 'gatepost.db'}"),
        log=Log(level="warning", format="console"),
        sites={blog.SITE: site},
    )


@asynccontextmanager
async def _open_doors(known: Blog, doors: Sequence[socket.socket]) -> AsyncIterator[None]:
    runner = web.AppRunner(blog.application(known), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        for door in doors:
            await web.SockSite(runner, door).start()
        yield
    finally:
        await runner.cleanup()


def _address(host: str, opened: Sequence[socket.socket]) -> str:
    """Where a browser finds what listens there. Who listens on every address (in a container) is still met on one: the
    browser's machine is this one."""
    shown = HOST if host in EVERY_HOST else host
    return f"http://{f'[{shown}]' if listener.is_version_6(shown) else shown}:{_port_of(opened)}"


def _port_of(opened: Sequence[socket.socket]) -> int:
    """The one port that all of them are on."""
    return int(opened[0].getsockname()[1])


@contextmanager
def _free_port(host: str, wanted: int, who: str, say: Callable[[str], None]) -> Iterator[list[socket.socket]]:
    """Sockets that listen on `wanted` or the next port that is free. Raises OSError when none of `PORTS_TO_TRY` is.

    Or when the address is none of this machine's.
    """
    candidates = range(wanted, min(wanted + PORTS_TO_TRY, LAST_PORT + 1)) if wanted else range(1)
    for port in candidates:
        try:
            found = listener.open_sockets(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                why = listener.reason(error)
                raise OSError(f"cannot listen on {host}, port {port} ({why}): name another") from None
            continue
        if port != wanted:
            say(f"Port {wanted} is in use: {who} is on {_port_of(found)} instead.")
        try:
            yield found
        finally:
            listener.close(found)
        return
    raise OSError(f"ports {wanted} to {candidates[-1]} are all in use: name another for {who}")


def _show(address: str) -> None:
    """Open the page, unless the only browser here is one that would take this terminal over."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is not webbrowser.GenericBrowser:
        browser.open(address)
