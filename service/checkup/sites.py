"""Can people reach a site from the blog, find its login, and is somebody there to moderate?"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from service.checkup.finding import Finding, fail, ok, warn
from service.settings import Site

OWN_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


def examine(site: Site) -> Iterator[Finding]:
    """The parts of a site that are not logins."""
    subject = f"site {site.key}"
    yield from _origins(site, subject)
    yield from _login_url(site, subject)
    if not site.login:
        yield fail(subject, "has no login, so nobody can comment", f"add [[sites.{site.key}.login]]")
    mappings = [login.roles or site.roles for login in site.login if login.may_moderate]
    if site.login and not any(mapping.moderator or mapping.admin for mapping in mappings):
        yield warn(
            subject,
            "nobody who logs in can moderate",
            "set roles.moderator, or use `gatepost desk` for people and `gatepost key create` for programs",
        )


def _origins(site: Site, subject: str) -> Iterator[Finding]:
    if not site.origins:
        fix = 'add the blog\'s own: origins = ["https://blog.example"]'
        yield warn(subject, "has no origins: no browser can send a comment, only the blog's server can", fix)
        return
    yield ok(subject, f"takes comments from {', '.join(site.origins)}")
    for origin in site.origins:
        if _is_open_to_eavesdroppers(origin):
            yield warn(
                subject, f"{origin} is not encrypted: logins can be stolen on the way", "serve the blog over https"
            )


def _login_url(site: Site, subject: str) -> Iterator[Finding]:
    fix = f'set sites.{site.key}.login_url = "https://blog.example/login?next={{url}}"'
    if site.login_url is None:
        yield warn(subject, 'has no login_url: visitors get no "LOGIN to add comments" link', fix)
    elif "{url}" not in site.login_url:
        yield warn(subject, "login_url has no {url}: readers will not come back to the post after the login", fix)
    elif _is_open_to_eavesdroppers(site.login_url):
        yield warn(subject, "login_url is not encrypted: passwords can be read on the way", fix)


def _is_open_to_eavesdroppers(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname not in OWN_MACHINE
