"""A real OpenID Connect issuer for tests: discovery, a key set, tokens. A test says what goes wrong with it."""

import json
from typing import Any

from aiohttp import web

from service.model import Clock
from tests.auth.attacks import Target
from tests.auth.forge import Signer, signer
from tests.auth.local_server import LocalServer

DISCOVERY = "/realms/blog/.well-known/openid-configuration"
KEY_SET = "/realms/blog/certs"
AUDIENCE = "gatepost"


class Issuer(LocalServer):
    """An issuer whose documents say what `document` and `published` hold at that moment."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.name = f"{self.address}/realms/blog"
        self.signer = signer("RS256", "first")
        self.document: Any = {"issuer": self.name, "jwks_uri": f"{self.address}{KEY_SET}"}
        self.published: Any = [self.signer.published()]
        self.handlers[DISCOVERY] = self._discovery
        self.handlers[KEY_SET] = self._key_set

    def rotate(self, kid: str) -> Signer:
        """Sign with a new key from now on, and publish only that."""
        self.signer = signer("RS256", kid)
        self.published = [self.signer.published()]
        return self.signer

    def target(self, by: Signer | None = None) -> Target:
        """What tokens are made with: the present key, or `by`."""
        return Target(self.name, AUDIENCE, self._clock() // 1000, by or self.signer)

    def token(self, by: Signer | None = None, **claims: Any) -> str:
        """A token for `ada`; `claims` changes it."""
        return self.target(by).token(**claims)

    @property
    def fetches(self) -> int:
        """How often the key set was fetched."""
        return self.asked[KEY_SET]

    async def _discovery(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=json.dumps(self.document).encode(), content_type="application/json")

    async def _key_set(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=json.dumps({"keys": self.published}).encode(), content_type="application/jwk-set+json")
