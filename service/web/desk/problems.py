"""Failures at the desk that have pages of their own. Outside of it nobody meets them."""

from service.errors import Forbidden, LoginRequired, OriginRefused


class CodeOver(LoginRequired):
    """The code was used, or its time is over, or nobody made it."""


class FormOver(OriginRefused):
    """A form of the desk was made for somebody else, or for this moderator too long ago or before they signed in.

    `name` is who sends it, `form_token` what it must carry to be taken.
    """

    def __init__(self, name: str, form_token: str) -> None:
        super().__init__("This form was not made for you, or too long ago. Reload the page, and try again")
        self.name = name
        self.form_token = form_token


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
