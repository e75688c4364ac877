"""What a caller may do on a site. The same function answers `/me` (which buttons to show) and guards every call."""

import hashlib
import json
from collections.abc import Iterable, Set
from enum import StrEnum

from service.auth.login import BaseLogin, RoleMapping
from service.model import Caller, Role


class Permission(StrEnum):
    """One right. `submit` covers editing and withdrawing one's own comments as well."""

    SUBMIT = "submit"
    MODERATE = "moderate"
    CONFIGURE = "configure"


def permissions_by(roles: Set[Role]) -> frozenset[Permission]:
    """The rights that roles bring: moderators and admins may moderate, admins configure."""
    granted = set()
    if roles & {Role.MODERATOR, Role.ADMIN}:
        granted.add(Permission.MODERATE)
    if Role.ADMIN in roles:
        granted.add(Permission.CONFIGURE)
    return frozenset(granted)


def permissions_of(caller: Caller, *, banned: bool = False) -> frozenset[Permission]:
    """The rights of `caller`: people may submit unless banned; what their roles bring comes on top.

    An API key cannot submit: a comment has a person as its author.
    """
    may_submit = caller.identity is not None and not banned
    return permissions_by(caller.roles) | ({Permission.SUBMIT} if may_submit else set())


def role_rules(roles: RoleMapping, logins: Iterable[BaseLogin]) -> str:
    """A mark of what makes somebody a moderator or an admin of a site: another one where that has changed.

    `roles` is the site's mapping, `logins` are its logins, each of which may have one of its own.
    """
    rules: list[list[object]] = [["", True, *_written(roles)]]
    rules += [[login.namespace, login.may_moderate, *_written(login.roles or roles)] for login in logins]
    return hashlib.sha256(json.dumps(rules).encode()).hexdigest()


def _written(roles: RoleMapping) -> tuple[object, ...]:
    return roles.claim, sorted(roles.moderator), sorted(roles.admin)
