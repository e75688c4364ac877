"""Answers "who is speaking?" for one site: an API key, or whoever its logins vouch for, in the configured order."""

from collections.abc import Mapping, Sequence

from service.auth.login import Credentials, Login, author_key
from service.errors import InvalidCredential, LoginUnavailable
from service.model import ApiKey, Caller, Clock, Identity, Profile, SiteKey
from service.store import api_keys
from service.store.database import Database

RETRY_AFTER_SECONDS = 5


class Authenticator:
    """All logins of all sites. Holds no state of its own."""

    def __init__(
        self, logins: Mapping[SiteKey, Sequence[Login]], *, database: Database, hash_key: bytes, clock: Clock
    ) -> None:
        self._logins = logins
        self._database = database
        self._hash_key = hash_key
        self._clock = clock

    async def caller(self, site: SiteKey, credentials: Credentials) -> Caller | None:
        """Who is speaking; None where the request carries no credential.

        Raises InvalidCredential when no login accepts what it carries, and LoginUnavailable when one that might
        could not be asked. A bad credential is never taken for none.
        """
        if credentials.bearer is not None and credentials.bearer.startswith(api_keys.SECRET_PREFIX):
            return self._machine(
                site, await self._database.read(api_keys.by_hash, api_keys.secret_hash(credentials.bearer))
            )
        identity = await self._identity(site, credentials)
        if identity is None:
            return None
        return Caller(author_key(self._hash_key, identity), identity.profile, identity.roles, identity=identity)

    async def _identity(self, site: SiteKey, credentials: Credentials) -> Identity | None:
        faults: list[InvalidCredential | LoginUnavailable] = []
        for login in self._logins[site]:
            try:
                identity = await login.identify(credentials)
            except (InvalidCredential, LoginUnavailable) as fault:
                faults.append(fault)
            else:
                if identity is not None:
                    return identity
        unavailable = [fault for fault in faults if isinstance(fault, LoginUnavailable)]
        if unavailable:
            raise LoginUnavailable(retry_after_seconds=unavailable[0].retry_after_seconds or RETRY_AFTER_SECONDS)
        if faults or credentials.bearer is not None:
            raise InvalidCredential
        return None

    def _machine(self, site: SiteKey, key: ApiKey | None) -> Caller:
        now = self._clock()
        if (
            key is None
            or key.revoked_at is not None
            or (key.expires_at is not None and key.expires_at <= now)
            or (key.site is not None and key.site != site)
        ):
            raise InvalidCredential
        return Caller(f"key:{key.id}", Profile(key.name), key.roles, api_key=key)
