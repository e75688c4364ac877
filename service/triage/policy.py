"""Turns a site's rules into the first status of a text. Submitting and editing both ask here."""

from service.model import Status
from service.settings import Site


def first_status(site: Site) -> Status:
    """`pending` where every comment waits for a moderator, else `approved`."""
    return Status.PENDING if site.premoderate else Status.APPROVED
