"""Failures of signing in that have pages of their own. Outside of the desk nobody meets them."""

from service.errors import Forbidden, LoginRequired


class CodeOver(LoginRequired):
    """The code was used, or its time is over, or nobody made it."""


class NeedsHttps(Forbidden):
    """A browser would not keep the desk's cookie."""

    def __init__(self) -> None:
        super().__init__("The desk needs https: over http a browser does not keep its cookie")


class NoRole(Forbidden):
    """Somebody is logged in who is no moderator of this site. `seen` are the roles that the login names."""

    def __init__(self, name: str, *, seen: tuple[str, ...], moderator: tuple[str, ...], admin: tuple[str, ...]) -> None:
        super().__init__("This needs the role of a moderator of this site")
        self.name = name
        self.seen = seen
        self.moderator = moderator
        self.admin = admin
