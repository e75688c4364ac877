"""`gatepost notify`: whether notices reach the people who moderate. A part of `cli`."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from service import terminal
from service.terminal import MISUSED, Config, site_of, stop

if TYPE_CHECKING:  # what a command needs it imports itself: see `terminal`
    from service.notice_settings import NoticeSettings
    from service.notices.letter import Letter
    from service.notices.targets import Told
    from service.settings import Site

WRONG = 1
commands = typer.Typer(no_args_is_help=True, help="Notices to moderators: do they arrive.")


@commands.command("test")
def send_now(
    site: Annotated[str, typer.Option(help="The site whose notices they are.")],
    name: Annotated[str | None, typer.Option(help="Only the notice of this name. Else: all.")] = None,
    config: Config = None,
) -> None:
    """Send the notice as it would be now to every target, and say what came back. Quiet hours do not count."""
    from service import settings as configuration
    from service.notices import digest, letter

    settings = configuration.load(config)
    of_site = site_of(settings, site)
    chosen = _chosen(of_site, name)
    found = terminal.read(settings, digest.read, of_site.key)
    told = []
    for notice in chosen:
        written = letter.trial(found, of_site, notice, public_url=settings.server.public_url)
        told += [(notice.name, one) for one in asyncio.run(_sent(of_site, notice, written))]
    for of_notice, one in told:
        typer.echo(f"{of_notice}, {one.target.label}: {one.error or 'took it'}")
    if any(one.error for _, one in told):
        stop("Not every target took it: `gatepost check` looks at the settings.", status=WRONG)


def _chosen(site: "Site", name: str | None) -> "list[NoticeSettings]":
    """The notices that are meant; ends the process where there is none."""
    found = [notice for notice in site.notices if name in {None, notice.name}]
    if not found:
        known = ", ".join(notice.name for notice in site.notices) or "none"
        wanted = f'no notice "{name}"' if name else "no notices"
        stop(f'the site "{site.key}" has {wanted} in the configuration (there: {known})', status=MISUSED)
    return found


async def _sent(site: "Site", notice: "NoticeSettings", written: "Letter") -> "list[Told]":
    from service.notices import targets

    try:
        opened = targets.open_all(notice)
    except ValueError as error:
        stop(f"sites.{site.key}.notices.{notice.name}: {error}", status=MISUSED)
    return await asyncio.gather(*(target.send(written) for target in opened))
