"""`gatepost policy`: read, try, and change a site's policy from the command line. A part of `cli`."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from service.model import system_clock
from service.terminal import Config, read, show_table, site_of, stop, store_beside

if TYPE_CHECKING:  # what a command needs it imports itself: see `terminal`
    from collections.abc import Iterable, Sequence

    from service.model import SiteKey
    from service.settings import Settings, Site
    from service.store.database import Transaction
    from service.store.policies import KeptPolicy
    from service.triage.document import Examined
    from service.triage.document.known import Known
    from service.triage.document.place import Mistake
    from service.triage.document.warnings import Experience

    AtSite = tuple[Known, Experience]

WRONG, MISUSED = 1, 2
commands = typer.Typer(no_args_is_help=True, help="The policy of a site: what becomes of comments (docs/triage.md).")
SiteName = Annotated[str, typer.Option(help="The site, as the configuration names it.")]
File = Annotated[Path, typer.Argument(help="A policy as JSON.", show_default=False)]


@commands.command()
def show(site: SiteName, config: Config = None) -> None:
    """Print the document that holds, as it can be edited and put again."""
    from service import settings as configuration
    from service.moderation import policies

    settings = configuration.load(config)
    chosen = site_of(settings, site)
    shown = read(settings, policies.shown, chosen.rules)
    typer.echo(f"Version {shown.version} of {site}", err=True)
    for one in shown.braked:
        typer.echo(f"Braked ({one.why}, {one.acted} of {one.of_all}): {one.rule} only holds.", err=True)
    typer.echo(json.dumps(shown.document, indent=2, ensure_ascii=False))


@commands.command()
def validate(
    file: File,
    config: Config = None,
    site: Annotated[str | None, typer.Option(help="Say what holds of it at this site.")] = None,
) -> None:
    """Say what is wrong with a policy in a file, and run its tests. Status 1 where it could not be put.

    It needs no store and no configuration, so it can run where the policy is kept. With `--site` it reads both: that
    site's time zone, its lists, and what was known of the comments that came there lately.
    """
    from service import settings as configuration

    document = _document(file)
    if site is None:
        examined = _examined(document)
    else:
        settings = configuration.load(config)
        chosen = site_of(settings, site)
        examined = _examined(document, read(settings, _at_site, chosen.key), chosen.time_zone)
    tests = len(examined.policy.cases)
    typer.echo(f"{file}: good, {len(examined.policy.rules)} rules, {tests} tests passed")


@commands.command()
def put(
    site: SiteName,
    file: Annotated[Path | None, typer.Argument(help="A policy as JSON.", show_default=False)] = None,
    starter: Annotated[str | None, typer.Option(help="A policy to start with: see docs/triage.md.")] = None,
    note: Annotated[str | None, typer.Option(help="Why, for whoever reads the versions.")] = None,
    config: Config = None,
) -> None:
    """Let a policy hold from now on, for every text that comes. May run beside the service."""
    from service import settings as configuration
    from service.triage import starters

    if (file is None) == (starter is None):
        stop("name a FILE, or a policy to start with: --starter NAME", status=MISUSED)
    if starter is not None and starter not in starters.names():
        stop(f'there is no "{starter}" to start with (there: {", ".join(starters.names())})', status=MISUSED)
    settings = configuration.load(config)
    document = starters.document(starter) if starter is not None else _document(file or Path())
    asyncio.run(_put(settings, site_of(settings, site), document, note=note))


@commands.command()
def versions(site: SiteName, config: Config = None) -> None:
    """List every version that ever held, the newest first."""
    from service import settings as configuration
    from service.reading.show import timestamp

    settings = configuration.load(config)
    chosen = site_of(settings, site)
    kept = read(settings, _all_versions, chosen.key)
    rows = [(str(one.version), timestamp(one.made_at), one.made_by.name, one.note or "") for one in kept]
    show_table(("version", "since", "by", "note"), rows)


@commands.command()
def trial(
    site: SiteName,
    text: Annotated[str | None, typer.Option(help="A text to judge.")] = None,
    comment: Annotated[str | None, typer.Option(help="A comment to judge, by its id.")] = None,
    given: Annotated[list[str] | None, typer.Option(help="A fact, as NAME=VALUE in JSON. Repeatable.")] = None,
    file: Annotated[Path | None, typer.Option(help="Judge by this policy, not by the one that holds.")] = None,
    config: Config = None,
) -> None:
    """Say what would become of a text or a comment, and by which rules. Nothing is saved."""
    from service import settings as configuration
    from service.model import CommentId
    from service.moderation import trials
    from service.triage.document import DocumentError

    if text is not None and comment is not None:
        stop("give --text or --comment, not both", status=MISUSED)
    settings = configuration.load(config)
    chosen = site_of(settings, site)
    wanted = trials.Wanted(
        document=_document(file) if file is not None else None,
        comment_id=CommentId(comment) if comment is not None else None,
        text=text,
        given=dict(map(_fact, given or ())),
    )
    found = read(settings, trials.about, chosen.rules, wanted)
    try:
        judgement = trials.judge(chosen.rules, wanted, found)
    except DocumentError as error:
        _stop_at(error.mistakes)
    if isinstance(judgement, list):
        _stop_at(judgement)
    typer.echo(f"{judgement.outcome} (by {', '.join(judgement.by) or 'otherwise'})")
    for said in judgement.rules:
        typer.echo(f"{said.rule}: {said.said}, {said.title}")
    for unknown in judgement.could_not_judge:
        typer.echo(f"{unknown.rule} could not be judged: {unknown.text}")
    for verdict in judgement.facts.verdicts:
        typer.echo(f"{verdict.check}: {verdict.text}")


async def _put(settings: "Settings", site: "Site", document: Any, *, note: str | None) -> None:
    from service.model import Actor, ActorKind
    from service.moderation import policies
    from service.store import policies as kept_policies

    operator = Actor(ActorKind.MODERATOR, "operator", "Operator")
    async with store_beside(settings) as database:
        examined = _examined(document, await database.read(_at_site, site.key), site.time_zone)
        holds = await database.read(kept_policies.newest, site.key)
        expected = holds.version if holds else 0
        kept = await database.write(
            policies.put, site.rules, document, examined.policy, operator, expected=expected, note=note
        )
    if kept is None:
        stop("somebody else changed the policy at this moment: look at it, and try again", status=WRONG)
    since = "already" if kept.version == expected else "now"
    typer.echo(f"Version {kept.version} holds {since}, with {len(examined.policy.rules)} rules.")


def _all_versions(tx: "Transaction", site: "SiteKey") -> "Sequence[KeptPolicy]":
    from service.store import policies as kept_policies

    return kept_policies.page(tx, site, limit=1000, after=None).items


def _document(file: Path) -> Any:
    """What stands in the file, read as strictly as a body; ends the process where that is no JSON."""
    from service import strict_json

    try:
        return strict_json.parse_clean(file.read_bytes())
    except OSError as error:
        stop(f"{file} cannot be read ({error.strerror}): name another file", status=MISUSED)
    except ValueError as error:
        stop(f"{file} is no policy: {error}", status=WRONG)


def _at_site(tx: "Transaction", site: "SiteKey") -> "AtSite":
    from service.moderation import policies

    return policies.known(tx, site), policies.experience(tx, site)


def _examined(document: Any, at_site: "AtSite | None" = None, time_zone: str = "UTC") -> "Examined":
    """The policy; says what its author may not have meant, or ends the process with every mistake.

    `at_site`: what the names in it mean at a site. Else every list is taken to be there.
    """
    from service.triage import document as documents
    from service.triage.document import DocumentError
    from service.triage.document.known import Known
    from service.triage.document.warnings import NO_EXPERIENCE

    known, experience = at_site or (Known(), NO_EXPERIENCE)
    now = system_clock()
    try:
        examined = documents.examine(document, known, version=1, now=now, time_zone=time_zone, experience=experience)
    except DocumentError as error:
        _stop_at(error.mistakes)
    for warned in examined.warnings:
        typer.echo(f"{warned.pointer}: {warned.detail} ({warned.code})", err=True)
    return examined


def _stop_at(mistakes: "Iterable[Mistake]") -> NoReturn:
    """End the process with a line for each mistake."""
    stop("\n".join(f"{one.pointer or '/'}: {one.detail}" for one in mistakes), status=WRONG)


def _fact(given: str) -> tuple[str, Any]:
    from service.moderation import trials

    try:
        return trials.fact_in(given)
    except ValueError:
        stop(f"write a fact as NAME=VALUE in JSON, for example author.approved=3, not {given}", status=MISUSED)
