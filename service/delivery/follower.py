"""The noun for everything that happens after a commit: a follower. The relays hand the events to it.

There are two kinds. Of a `Follower` each process has one of its own; it is handed events within the process and keeps
what it makes of them in memory. A `StoreFollower` works once for the whole store, however many replicas there are: it
tells somebody outside, and how far it has come is kept in the store. All of them are listed in `service/followers.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum, auto
from typing import ClassVar

from service.background import Job
from service.model import Event, SiteKey


class Hears(Enum):
    """When a follower of this process is handed an event."""

    AT_ONCE = auto()
    """As soon as the process knows: of its own before whoever wrote has the answer. In any order, perhaps twice."""
    IN_ORDER = auto()
    """Once, in the order of its site: behind those of other replicas that came before it."""


class Follower(ABC):
    """Something that each process does after a commit. Its position begins at the start and is kept by the relay."""

    name: str
    hears: ClassVar[Hears] = Hears.IN_ORDER

    @abstractmethod
    def handle(self, events: Sequence[Event]) -> None:
        """These have happened. On the event loop, so it waits for nothing.

        When it raises, nobody else notices: it is logged, and `skipped` is called for the sites of these events.
        """

    @abstractmethod
    def skipped(self, site: SiteKey) -> None:
        """Events of the site have happened that this follower was not handed, and will not be. Say what it does then.

        They were removed before this process had read them (it slept for days), or `handle` raised at them.
        """

    async def begin(self) -> None:  # noqa: B027  # most begin with what the relay hands them
        """Make ready, before the service takes its first request. Raises StoreUnavailable."""

    def jobs(self) -> Sequence[Job]:
        """What it does besides, for ever, while the service runs."""
        return ()

    async def stop(self) -> None:  # noqa: B027  # most hold nothing
        """Let go of what it holds. Its jobs have ended, the store is still open."""


class StoreFollower(ABC):
    """Something that is done once for the store after a commit, by whichever replica holds the lease of this name.

    Each event is handed over at least once, in the order of its site. The position moves only behind what was handled,
    so after a fault, a kill or with another replica it goes on there; a little may be handed over twice. By `event.id`,
    or by site and number, whoever is told can see that. What `handle` leaves in a file must be synced when it returns.

    A new one begins with the first event after the start. One that is taken out of the list and put back goes on where
    it was. `event.became` says what a comment came to; the types of events are in `moderation/record.EVENT_OF` and
    where `store/events.append` is called.
    """

    name: str
    """Names the lease, the position and the job; never change it."""
    again_seconds: ClassVar[float] = 0.0
    """Not 0: the same events are handed over once more after so long, and only then the position moves behind them."""

    @abstractmethod
    async def handle(self, events: Sequence[Event]) -> None:
        """These have happened. When it raises, the same are handed over again, after a pause that grows."""

    @abstractmethod
    async def skipped(self, site: SiteKey) -> None:
        """Events of the site have happened that this follower will not be handed. Say what it does then.

        They were removed while it was not configured, or its position was that of another store. When it raises, it is
        called again.
        """

    async def stop(self) -> None:  # noqa: B027  # most hold nothing
        """Let go of what it holds. The store is still open."""
