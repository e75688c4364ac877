"""Can notices be sent to the people who moderate? Asked by `gatepost check`, which sends nobody anything."""

from collections.abc import Iterator

from service.checkup.finding import Finding, fail, ok, warn
from service.notices import targets
from service.settings import Settings, Site


def examine(site: Site, settings: Settings) -> Iterator[Finding]:
    """Each notice: is the library there that sends, are there addresses, can they be read, is there a link to give."""
    for notice in site.notices:
        subject = f"notice {site.key}/{notice.name}"
        try:
            opened = targets.open_all(notice)
        except ValueError as error:
            yield fail(subject, "cannot be sent", str(error))
            continue
        whom = ", ".join(target.label for target in opened)
        yield ok(subject, f"goes to {whom} (`gatepost notify test --site {site.key} --name {notice.name}` sends one)")
        if settings.server.public_url is None:
            fix = "set server.public_url to the address under which people reach this service"
            yield warn(subject, "has no link to the desk, because the service does not know its own address", fix)
