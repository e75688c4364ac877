"""What the settings of a login say by themselves: secrets in the wrong place, and who can never come in, or always."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from stat import S_IROTH
from typing import Any

from service.auth.forwarded import ForwardedLogin
from service.auth.kinds import LoginSettings
from service.checkup.finding import Finding, fail, warn
from service.checkup.listening import HOW_TO_NAME_A_PROXY
from service.settings import Site
from service.values import Network

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def examine(login: LoginSettings, site: Site, *, subject: str, proxies: Sequence[Network]) -> Iterator[Finding]:
    """Everything that can be said without asking anybody. `proxies` are the trusted ones."""
    yield from _secrets(login.model_dump(), subject)
    if (getattr(login, "cookie", None) is not None or login.kind == "session") and not site.origins:
        text = "reads a cookie, and a cookie is taken only from a page of a known origin"
        yield fail(subject, text, f'set sites.{site.key}.origins = ["https://blog.example"]')
    if isinstance(login, ForwardedLogin):
        yield from _forwarded(login, subject=subject, proxies=proxies)
    yield from _shared_subjects(login, site, subject=subject)


def _secrets(values: Mapping[str, Any], subject: str) -> Iterator[Finding]:
    """Secrets that more people can read than need to. `values` is a login's settings, or a table in them."""
    for name, value in values.items():
        if name in {"secret", "client_secret"} and value is not None:
            fix = f"move it out of the file, and name it with {name}_env or {name}_file"
            yield warn(subject, f"{name} stands in the configuration file", fix)
        elif name.endswith("secret_file") and value is not None and Path(value).stat().st_mode & S_IROTH:
            yield warn(subject, f"everybody on this machine can read {value}", f"chmod o-r {value}")
        elif isinstance(value, Mapping):
            yield from _secrets(value, subject)
        elif isinstance(value, tuple):
            for item in value:
                yield from _secrets(item, subject) if isinstance(item, Mapping) else ()


def _forwarded(login: ForwardedLogin, *, subject: str, proxies: Sequence[Network]) -> Iterator[Finding]:
    """Whom a login believes that believes headers: the trusted proxies, or those of them that it lists itself."""
    if not proxies:
        yield fail(subject, "believes the trusted proxies, and there are none", HOW_TO_NAME_A_PROXY)
        return
    strangers = [listed for listed in login.proxies if not any(_overlap(listed, trusted) for trusted in proxies)]
    if strangers:
        names = ", ".join(map(str, strangers))
        text = (
            f"lists {names} in `proxies`, which server.trusted_proxies does not: what comes from there is not believed"
        )
        fix = "name the same address in both, the one from which the proxy connects"
        nobody_is_left = len(strangers) == len(login.proxies)
        yield fail(subject, f"{text}, so nobody comes in", fix) if nobody_is_left else warn(subject, text, fix)
    believed = [trusted for trusted in proxies if not login.proxies or any(_overlap(trusted, x) for x in login.proxies)]
    if login.secret_header is None and any(_overlap(one, loopback) for one in believed for loopback in LOOPBACK):
        text = "believes this machine without a secret: any program on it can come in as anybody, as a moderator too"
        yield warn(subject, text, "let the proxy send a secret: secret_header, and secret_env or secret_file")


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _shared_subjects(login: LoginSettings, site: Site, *, subject: str) -> Iterator[Finding]:
    """A login says that its people are those of another one; that is true only where there is another one."""
    if login.shares_subjects is None:
        return
    others = [other for other in site.login if other is not login]
    if any(other.namespace == login.shares_subjects for other in others):
        return
    known = ", ".join(other.label for other in others) or "none"
    text = f'shares_subjects = "{login.shares_subjects}" is the name of no other login, so it shares with nobody'
    yield warn(subject, text, f"write the name of another login (there: {known}), unless it is this one's former name")
