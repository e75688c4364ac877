"""`gatepost desk`: a link that signs a moderator in at the desk, and who is signed in there. A part of `cli`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from service import terminal
from service.model import DeskSession, Milliseconds, Role
from service.terminal import MISUSED, Config, site_of, stop

if TYPE_CHECKING:  # what a command needs it imports itself: see `terminal`
    from service.settings import Settings, Site

WRONG = 1
COLUMNS = ("id", "site", "who", "role", "signed in", "last used", "ends")

commands = typer.Typer(invoke_without_command=True)


@commands.callback()
def desk(
    context: typer.Context,
    site: Annotated[str | None, typer.Option(help="The site to moderate.")] = None,
    subject: Annotated[str | None, typer.Option(help="Who it is: an id of yours that stays the same for ever.")] = None,
    name: Annotated[str | None, typer.Option(help="What the record will call them.")] = None,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.MODERATOR,
    config: Config = None,
) -> None:
    """Print a link that signs a moderator in at the desk, once. For blogs whose own login knows no moderators."""
    if context.invoked_subcommand is not None:
        return
    if site is None or subject is None or name is None:
        stop("give --site, --subject and --name: whose link it is, and for which site", status=MISUSED)
    from service import settings as configuration
    from service.auth.permissions import role_rules
    from service.model import Identity, Profile
    from service.moderation import desk_sessions

    settings = configuration.load(config)
    chosen = site_of(settings, site)
    who = Identity(chosen.key, desk_sessions.NAMESPACE, subject, Profile(name), frozenset({role}))
    try:
        code, ends_at = terminal.write(
            settings, desk_sessions.offer_link, who, role_rules=role_rules(chosen.roles, chosen.login)
        )
    except ValueError as mistake:
        stop(str(mistake), status=MISUSED)
    typer.echo(f"Good once, until {_time(ends_at)}. It signs in {role} {subject} at {chosen.key}:", err=True)
    typer.echo(f"{settings.server.address}/desk/{chosen.key}/enter?code={code}")


@commands.command("sessions")
def list_sessions(
    site: Annotated[str | None, typer.Option(help="Only those of this site.")] = None,
    revoke: Annotated[str | None, typer.Option(metavar="ID", help="End this one at once.")] = None,
    config: Config = None,
) -> None:
    """List who is signed in at the desk, newest first; or end one of these sessions."""
    from service import settings as configuration

    settings = configuration.load(config)
    sites = list(settings.sites.values()) if site is None else [site_of(settings, site)]
    if revoke is not None:
        _revoke(settings, sites, revoke)
        return
    terminal.show_table(COLUMNS, [_row(session) for chosen in sites for session in _of_site(settings, chosen)])


def _revoke(settings: "Settings", sites: "list[Site]", session_id: str) -> None:
    from service.model import DeskSessionId
    from service.moderation import desk_sessions

    ended = (terminal.write(settings, desk_sessions.revoke, chosen.key, DeskSessionId(session_id)) for chosen in sites)
    if not any(ended):
        stop(f"there is no session {session_id} that goes on: `gatepost desk sessions` shows all", status=WRONG)
    typer.echo(f"Session {session_id} has ended.")


def _of_site(settings: "Settings", site: "Site") -> list[DeskSession]:
    from service.auth.permissions import role_rules
    from service.moderation import desk_sessions

    rules = role_rules(site.roles, site.login)
    return terminal.read(settings, desk_sessions.of_site, site.key, role_rules=rules)


def _row(session: DeskSession) -> tuple[str, ...]:
    who = session.admission
    times = (_time(moment) for moment in (session.made_at, session.seen_at, session.ends_at))
    return (session.id, who.site, who.name, ", ".join(sorted(who.roles)), *times)


def _time(moment: Milliseconds) -> str:
    return f"{datetime.fromtimestamp(moment / 1000, UTC):%Y-%m-%d %H:%M} UTC"
