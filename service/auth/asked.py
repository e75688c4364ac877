"""What the logins share that ask another server about each credential: `introspection` and `session`.

An answer is kept for some seconds (`cache`), and the last question without a usable answer is what `health` tells.
"""

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial

from service.auth.cache import AnswerCache, digest_of
from service.auth.fetch import Fetch
from service.auth.login import BaseLogin, LoginHealth, RoleMapping, reason_of
from service.errors import InvalidCredential, LoginUnavailable
from service.model import Clock, Identity, Milliseconds, SiteKey


class AskedLogin:
    """A login that asks. `asked` is the address that it asks, in words, for `health`."""

    asked: str

    def __init__(
        self,
        settings: BaseLogin,
        *,
        cache_seconds: int,
        site: SiteKey,
        roles: RoleMapping,
        clock: Clock,
        fetch: Fetch,
    ) -> None:
        self.name = settings.label
        self.kind: str = settings.kind
        self.answers: AnswerCache[Identity] = AnswerCache(seconds=cache_seconds, clock=clock)
        self._site = site
        self._roles = roles
        self._clock = clock
        self._fetch = fetch
        self._fault: str | None = None

    @abstractmethod
    async def ask(self, credential: str) -> tuple[Identity, Milliseconds | None]:
        """Who the credential belongs to, and until when that is true at most. Raises as `identity_of` does."""

    async def identity_of(self, credential: str) -> Identity:
        """Who the credential belongs to: by a kept answer, or by a new question.

        Raises InvalidCredential where the other server does not take it, LoginUnavailable where it gives no usable
        answer. The key of a kept answer is the whole credential, so whoever sends other bytes gets an answer of their
        own.
        """
        return await self.answers.get(digest_of(credential), partial(self._asked, credential))

    async def start(self) -> None:
        """Nothing to do: the other server is asked when a reader comes."""

    async def stop(self) -> None:
        """End the questions under way and forget all answers."""
        await self.answers.stop()

    def readings(self) -> Mapping[str, float]:
        """For the metrics."""
        return {"cache_hits": self.answers.hits}

    def health(self) -> LoginHealth:
        """`warn` while the last question got no usable answer."""
        if self._fault is None:
            return "pass", f"{self.asked} answers, or was not asked yet."
        return "warn", f"{self.asked} gave no usable answer the last time: {self._fault}."

    async def _asked(self, credential: str) -> tuple[Identity, Milliseconds | None]:
        try:
            answer = await self.ask(credential)
        except LoginUnavailable as fault:
            self._fault = reason_of(fault)
            raise
        except InvalidCredential:
            self._fault = None
            raise
        self._fault = None
        return answer
