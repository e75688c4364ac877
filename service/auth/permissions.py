"""What a caller may do on a site. The same function answers `/me` (which buttons to show) and guards every call."""

from enum import StrEnum

from service.model import Caller, Role


class Permission(StrEnum):
    """One right. `submit` covers editing and withdrawing one's own comments as well."""

    SUBMIT = "submit"
    MODERATE = "moderate"
    CONFIGURE = "configure"


def permissions_of(caller: Caller, *, banned: bool = False) -> frozenset[Permission]:
    """The rights of `caller`: people may submit unless banned, moderators and admins may moderate, admins configure.

    An API key cannot submit: a comment has a person as its author.
    """
    granted = set()
    if caller.identity is not None and not banned:
        granted.add(Permission.SUBMIT)
    if caller.roles & {Role.MODERATOR, Role.ADMIN}:
        granted.add(Permission.MODERATE)
    if Role.ADMIN in caller.roles:
        granted.add(Permission.CONFIGURE)
    return frozenset(granted)
