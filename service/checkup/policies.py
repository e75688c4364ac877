"""Does what people at a site decided agree with its configuration? Asked by `gatepost check`, which changes neither."""

from service.checkup.finding import Finding, ok, warn
from service.moderation import policies
from service.moderation.policies import Shown
from service.settings import Site
from service.store.database import Database
from service.triage import document
from service.triage.document import DocumentError


async def examine(site: Site, database: Database) -> list[Finding]:
    """The policy that holds: is it good, does it say otherwise than `premoderate`, which of its rules are braked.

    Raises StoreUnavailable.
    """
    shown = await database.read(policies.shown, site.rules)
    if shown.kept is None:
        return []
    subject = f"policy {site.key}"
    found = [ok(subject, f"version {shown.version} holds, with {len(shown.rules)} rules")]
    try:
        known = await database.read(policies.known, site.key)
        document.read(shown.document, known, version=shown.version, time_zone=site.time_zone)
    except DocumentError as error:
        fix = f"mend it: `gatepost policy show --site {site.key}`, then `gatepost policy put`"
        return [warn(subject, f"version {shown.version} cannot be read, so everything waits: {error}", fix)]
    return [*found, *_contradictions(site, shown, subject), *_braked(shown, subject)]


def _contradictions(site: Site, shown: Shown, subject: str) -> list[Finding]:
    publishes = shown.document.get("otherwise", "hold") == "publish"
    if publishes != site.premoderate:
        return []
    said = "publishes what no rule speaks about" if publishes else "holds what no rule speaks about"
    fix = f"nothing, if that is meant; else set sites.{site.key}.premoderate to {str(not publishes).lower()}"
    configured = f"premoderate is {str(site.premoderate).lower()}, which only counted until there was a policy"
    return [warn(subject, f"{said}; {configured}", fix)]


def _braked(shown: Shown, subject: str) -> list[Finding]:
    fix = "look at what it did, then release it (DELETE .../policy/brakes/{rule}) or change it"
    return [
        warn(subject, f"the rule {one.rule} only holds ({one.why}: {one.acted} of {one.of_all})", fix)
        for one in shown.braked
    ]
