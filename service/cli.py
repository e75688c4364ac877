"""`gatepost`, the command line: every command loads the settings, calls a room, and says what came of it.

Exit status: 0 fine, 1 something is wrong, 2 the command or the configuration is. What goes wrong is said on standard
error, a line per mistake and without a traceback; only bugs have one.
"""

import asyncio
import errno
import json
import re
import socket
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service import (
    cli_db,
    cli_desk,
    cli_embed,
    cli_export,
    cli_health,
    cli_import,
    cli_keys,
    cli_lists,
    cli_notices,
    cli_policy,
    cli_undo,
    cli_webhooks,
    terminal,
)
from service.model import system_clock
from service.sources import SettingsError
from service.strict_json import is_clean
from service.terminal import Config, site_of, stop

if TYPE_CHECKING:  # what a command needs it imports itself: see `terminal`
    from service.auth.login import Credentials

WRONG, MISUSED = 1, 2
CANNOT_LISTEN = {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES, errno.EAFNOSUPPORT}

app = typer.Typer(
    epilog="Start with `gatepost demo`. Every setting is explained in docs/configuration.md.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they show local variables, and those may be secrets
)
app.add_typer(cli_keys.commands, name="key")
app.add_typer(cli_db.commands, name="db")
app.add_typer(cli_export.commands, name="export")
app.add_typer(cli_policy.commands, name="policy")
app.add_typer(cli_webhooks.commands, name="webhook")
app.add_typer(cli_notices.commands, name="notify")
app.add_typer(cli_desk.commands, name="desk")
app.add_typer(cli_lists.commands, name="lists")
app.command("embed")(cli_embed.embed)
app.command("import")(cli_import.import_comments)
app.command("undo")(cli_undo.undo)


@app.callback(invoke_without_command=True)
def about(show_version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False) -> None:
    """Gatepost: comment moderation for blogs that already have their own users."""
    if show_version:
        typer.echo(f"gatepost {terminal.version_installed()}")
        raise typer.Exit


def main() -> None:
    """The command `gatepost`."""
    if not all(is_clean(word) for word in sys.argv[1:]):
        stop("the command is no text in UTF-8: write it again, or see the locale of this terminal", status=MISUSED)
    try:
        app(prog_name="gatepost")
    except SettingsError as mistakes:
        stop(str(mistakes), status=MISUSED)
    except Exception as fault:
        from service.errors import Problem
        from service.store.engine import StoreError
        from service.store.migrate import SchemaError

        if not isinstance(fault, StoreError | SchemaError | Problem):
            raise
        stop(str(fault), status=WRONG)


# --- Run --------------------------------------------------------------------------------------------------------------


@app.command()
def serve(config: Config = None) -> None:
    """Run the service until SIGTERM, SIGHUP or Ctrl-C."""
    # structlog would import it for tracebacks that show local variables. `logs` wants none, and it takes 3 MiB.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # Python's way to say that there is none

    from service import process
    from service import settings as configuration
    from service.web import listener

    settings = configuration.load(config)
    try:
        _run(process.serve(settings))
    except OSError as error:
        if error.errno not in CANNOT_LISTEN and not isinstance(error, socket.gaierror):
            raise
        place = f"{settings.server.host}, port {settings.server.port}"
        stop(f"cannot listen on {place} ({listener.reason(error)}): `gatepost check` says what to do", status=WRONG)


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="Where to listen. In a container: 0.0.0.0.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Gatepost's own port. 0: any free one.", min=0, max=65535)] = 8080,
    blog_port: Annotated[int, typer.Option(help="The port of the blog. 0: any free one.", min=0, max=65535)] = 8000,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Show the blog in a browser.")] = True,
) -> None:
    """Show a small blog with comments: no configuration, nothing is kept."""
    from service import demo as play

    try:
        _run(play.run(host=host, port=port, blog_port=blog_port, open_browser=open_browser))
    except OSError as error:
        stop(str(error), status=WRONG)


# --- Look -------------------------------------------------------------------------------------------------------------


@app.command()
def check(
    config: Config = None,
    site: Annotated[str | None, typer.Option(help="The site to try --token or --cookie on.")] = None,
    token: Annotated[str | None, typer.Option(help="A reader's token: say who that is.")] = None,
    cookie: Annotated[str | None, typer.Option(help="A reader's cookie, as NAME=VALUE: say who that is.")] = None,
    copy: Annotated[Path | None, typer.Option(help="A folder with a copy of the embed: is it this version's?")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send a test event to every webhook.")] = False,
) -> None:
    """Show the effective configuration without its secrets, and test everything it names."""
    from service import checkup, logs
    from service import settings as configuration
    from service.checkup import copies, logins, masking
    from service.checkup.finding import Outcome

    if (site is None) != (token is None and cookie is None):
        stop("give --site together with --token or --cookie", status=MISUSED)
    settings = configuration.load(config)
    shown = None if site is None else (site_of(settings, site), _credentials(token, cookie))
    logs.configure(configuration.Log(level="error", format="console"))  # what a login would log, the findings say
    terminal.show_configuration(
        masking.toml(settings), file=configuration.file_for(config), variables=configuration.variables_in_use()
    )
    found = asyncio.run(checkup.examine(settings, clock=system_clock, send=send))
    if copy is not None:
        found += copies.examine(copy)
    if shown is not None:
        found += asyncio.run(logins.identify(*shown, clock=system_clock))
    for finding in found:
        terminal.show_finding(finding)
    if any(finding.outcome is Outcome.FAIL for finding in found):
        raise typer.Exit(WRONG)


@app.command()
def health(
    config: Config = None,
    url: Annotated[str | None, typer.Option(help="Where the service is, for example http://127.0.0.1:8080.")] = None,
) -> None:
    """Ask the running service whether it is ready. Status 0 or 1, within five seconds."""
    raise typer.Exit(cli_health.run(config, url))


@app.command()
def openapi(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file to write instead.")] = None,
) -> None:
    """Print the description of the HTTP API (OpenAPI 3.1)."""
    from service.web.openapi import document

    text = json.dumps(document(), indent=2, ensure_ascii=False)
    if output is None:
        typer.echo(text)
        return
    try:
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        stop(f"{output} cannot be written ({error.strerror}): name another file", status=MISUSED)


# --- Credentials ------------------------------------------------------------------------------------------------------


@app.command()
def token(
    site: Annotated[str, typer.Option(help="The site the token is for.")],
    subject: Annotated[str, typer.Option(help="Whom it names: the blog's own id of a user.")],
    name: Annotated[str | None, typer.Option(help="The name to show with comments.")] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="A role at the blog, for example moderator. Repeatable.")
    ] = None,
    minutes: Annotated[int, typer.Option(help="How long it is good.", min=1, max=525_600)] = 60,
    login: Annotated[str | None, typer.Option(help="Which login of the site, where it has several.")] = None,
    config: Config = None,
) -> None:
    """Make a token as the blog would, to try things out. Needs a login with a shared secret."""
    from service import settings as configuration
    from service import trial_token
    from service.trial_token import NoSharedSecretError

    chosen = site_of(configuration.load(config), site)
    roles = role or []
    try:
        method = trial_token.login_for(chosen, login)
        text = trial_token.mint(
            method, chosen, subject=subject, name=name, roles=roles, minutes=minutes, now=system_clock()
        )
    except (NoSharedSecretError, ValueError) as error:
        stop(str(error), status=MISUSED)
    for odd in trial_token.roles_without_meaning(method, chosen, roles):
        typer.echo(f'Note: the role "{odd}" makes nobody a moderator or an admin of {site}.', err=True)
    typer.echo(text)


# --- What the commands share ------------------------------------------------------------------------------------------


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where it is installed: it has no wheels for some machines, and nothing depends on it."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(work)


def _credentials(token: str | None, cookie: str | None) -> "Credentials":
    from service.auth.login import Credentials
    from service.store.api_keys import SECRET_PREFIX

    name, equals, value = (cookie or "").partition("=")
    if cookie is not None and not (name and equals):
        stop("write the cookie as NAME=VALUE", status=MISUSED)
    if token is not None:  # often pasted with the rest of its header, and with a line end
        token = re.sub(r"(?i)\A\s*(authorization:\s*)?(bearer\s+)?", "", token).strip()
    if token is not None and token.startswith(SECRET_PREFIX):
        stop("this is an API key, not a reader's token: `gatepost key list` shows what keys may do", status=MISUSED)
    return Credentials(bearer=token, cookies={} if cookie is None else {name: value})
