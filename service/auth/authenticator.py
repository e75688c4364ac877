"""Answers "who is speaking?" for one site: an API key, or whoever its logins vouch for, in the configured order."""

import time
from collections.abc import Mapping, Sequence

import structlog

from service.auth.login import Credentials, Login, author_key, log_refusal, refused
from service.errors import InvalidCredential, LoginUnavailable
from service.metrics import Metrics
from service.model import ApiKey, Caller, Clock, Identity, Profile, SiteKey
from service.store import api_keys
from service.store.database import Database

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 5
UNREAD = "there is an Authorization header that no login of this site reads, and nothing else that one reads"


class Authenticator:
    """All logins of all sites. Holds no state of its own."""

    def __init__(
        self,
        logins: Mapping[SiteKey, Sequence[Login]],
        *,
        database: Database,
        hash_key: bytes,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._logins = logins
        self._database = database
        self._hash_key = hash_key
        self._clock = clock
        self._metrics = metrics

    async def caller(self, site: SiteKey, credentials: Credentials) -> Caller | None:
        """Who is speaking; None where the request carries no credential.

        Raises InvalidCredential when no login accepts what it carries, and LoginUnavailable when one that might
        could not be asked. A bad credential is never taken for none.
        """
        if credentials.bearer is not None and credentials.bearer.startswith(api_keys.SECRET_PREFIX):
            key = await self._database.read(api_keys.by_hash, api_keys.secret_hash(credentials.bearer))
            try:
                return self._machine(site, key)
            except InvalidCredential as fault:
                log_refusal(f"{site}/API key", fault)
                raise
        faults: list[InvalidCredential | LoginUnavailable] = []
        if credentials.bearer is not None:
            credentials = credentials.without_cookies()
        for login in self._logins[site]:
            try:
                identity = await self._ask(site, login, credentials)
            except (InvalidCredential, LoginUnavailable) as fault:
                log_refusal(f"{site}/{login.name}", fault)
                faults.append(fault)
            else:
                if identity is not None:
                    return self._person(identity, is_ambient=credentials.bearer is None or not login.reads_bearer)
        unavailable = [fault for fault in faults if isinstance(fault, LoginUnavailable)]
        if unavailable:
            raise LoginUnavailable(retry_after_seconds=unavailable[0].retry_after_seconds or RETRY_AFTER_SECONDS)
        if not faults and credentials.bearer is not None:
            log_refusal(site, refused(UNREAD))
        elif not faults and "authorization" in credentials.headers:
            log.info("login.ignored", site=site, reason=UNREAD)
        if faults or credentials.bearer is not None:
            raise InvalidCredential
        return None

    def reads_tokens(self, site: SiteKey) -> bool:
        """Whether a login of the site knows people by a token, so that one can be pasted."""
        return any(login.reads_bearer for login in self._logins[site])

    async def _ask(self, site: SiteKey, login: Login, credentials: Credentials) -> Identity | None:
        """Ask one login, and count what it says: it is only counted where the request carried something for it."""
        started, outcome = time.perf_counter(), "refused"
        try:
            identity = await login.identify(credentials)
            outcome = "accepted" if identity is not None else ""
        except LoginUnavailable:
            outcome = "unavailable"
            raise
        finally:
            if outcome:
                self._metrics.logins(site, login.name, outcome).inc()
                self._metrics.login_latency(login.kind).observe(time.perf_counter() - started)
        return identity

    def read_out(self) -> None:
        """Put what every login says of itself into the metrics."""
        for site, logins in self._logins.items():
            for login in logins:
                for name, value in login.readings().items():
                    self._metrics.login_readings.labels(site, login.name, name).set(value)

    def _person(self, identity: Identity, *, is_ambient: bool) -> Caller:
        key = author_key(self._hash_key, identity)
        return Caller(key, identity.profile, identity.roles, identity=identity, is_ambient=is_ambient)

    def _machine(self, site: SiteKey, key: ApiKey | None) -> Caller:
        if key is None:
            raise refused("there is no such key")
        if key.revoked_at is not None:
            raise refused(f"key {key.id} has been revoked")
        if key.expires_at is not None and key.expires_at <= self._clock():
            raise refused(f"key {key.id} has expired")
        if key.site is not None and key.site != site:
            raise refused(f"key {key.id} is for another site")
        return Caller(f"key:{key.id}", Profile(key.name), key.roles, api_key=key)
