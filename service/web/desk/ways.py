"""Which ways to sign in a site has, as the pages show them that are seen by whoever is not signed in."""

from dataclasses import dataclass
from urllib.parse import quote

from service.web.call import PATH_CHARACTERS, Call
from service.web.desk import origin


@dataclass(frozen=True, slots=True)
class Ways:
    """`login_page` is the blog's, None where it does not say. `by_token`: a token can be pasted. Neither is shown where
    a browser would not keep the desk's cookie (`is_secure`)."""

    login_page: str | None
    by_token: bool
    is_secure: bool


def ways_in(call: Call) -> Ways | None:
    """Those of the site in the path; None where there is no such site."""
    site = call.services.settings.sites.get(call.request.match_info["site"])
    if site is None:
        return None
    return Ways(
        login_page=site.login_page(_address(call)),
        by_token=call.services.authenticator.reads_tokens(site.key),
        is_secure=origin.is_secure(call),
    )


def _address(call: Call) -> str | None:
    """Where the blog should send somebody back to, if the service knows how it is reached."""
    if call.services.settings.server.public_url is None:
        return None
    path = call.request.rel_url.raw_path if call.request.method == "GET" else f"/desk/{call.site_key}/"
    return call.services.links.to(quote(path, safe=PATH_CHARACTERS))
