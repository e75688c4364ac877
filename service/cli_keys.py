"""`gatepost key`: keys with which programs moderate. A part of `cli`."""

from typing import Annotated

import typer

from service import terminal
from service.model import ApiKeyId, Role, system_clock
from service.terminal import Config, site_of, stop

WRONG = 1
MILLISECONDS_PER_DAY = 86_400_000

commands = typer.Typer(no_args_is_help=True, help="Keys with which programs moderate: create, list, revoke.")


@commands.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="What the record will call whoever uses it.")],
    role: Annotated[Role, typer.Option(help="What it may do.")],
    site: Annotated[str | None, typer.Option(help="The one site it is for. Else: all sites.")] = None,
    days: Annotated[
        int | None, typer.Option(help="How long it is good. Else: until revoked.", min=1, max=36_500)
    ] = None,
    config: Config = None,
) -> None:
    """Make a key. Its secret is shown once, on standard output."""
    from service import settings as configuration
    from service.moderation import api_keys

    settings = configuration.load(config)
    now = system_clock()
    key, secret = terminal.write(
        settings,
        api_keys.create,
        name,
        site=site_of(settings, site).key if site is not None else None,
        roles=frozenset({role}),
        expires_at=None if days is None else now + days * MILLISECONDS_PER_DAY,
    )
    where = f"site {key.site}" if key.site else "all sites"
    until = terminal.lifetime(key)
    typer.echo(f"Key {key.id}: {role} of {where}, {until}. Keep the secret, it is not shown again:", err=True)
    typer.echo(secret)


@commands.command("list")
def list_keys(config: Config = None) -> None:
    """List all keys, oldest first, without their secrets."""
    from service import settings as configuration
    from service.store import api_keys as stored_keys

    settings = configuration.load(config)
    terminal.show_keys(terminal.write(settings, stored_keys.every), now=system_clock())


@commands.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(metavar="ID")], config: Config = None) -> None:
    """End a key at once."""
    from service import settings as configuration
    from service.moderation import api_keys

    if not terminal.write(configuration.load(config), api_keys.revoke, ApiKeyId(key_id)):
        stop(f"there is no key {key_id} that still works: `gatepost key list` shows all", status=WRONG)
    typer.echo(f"Key {key_id} has ended.")
