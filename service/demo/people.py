"""Who has an account at the demo's blog, and what they said before it opened. Used by the other files of the demo."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reader:
    """A person as the blog knows them. `subject` is what the blog tells Gatepost; the public never sees it."""

    key: str
    subject: str
    name: str
    bio: str
    roles: tuple[str, ...] = ()

    def profile(self) -> dict[str, object]:
        """What `/whoami` answers about them, and what their token says."""
        return {"id": self.subject, "name": self.name, "bio": self.bio, "roles": list(self.roles)}


ADA = Reader(
    "ada", "ada@towpath.example", "Ada Pemberton", "Restores narrowboats at Stoke Bruerne and photographs herons."
)
GRACE = Reader(
    "grace", "grace@towpath.example", "Grace Okafor", "Teaches mathematics in Leeds; reads her feeds on the train."
)
MO = Reader("mo", "mo@towpath.example", "Mo Lindgren", "Looks after the comments here.", roles=("moderator",))
WALTER = Reader("walter", "walter@towpath.example", "Walter Dunmore", "Lock keeper, retired. Types with two fingers.")
IVY = Reader("ivy", "ivy@towpath.example", "Ivy Castellan", "Runs the tea barge below the fourth lock.")
PERCY = Reader("percy", "percy@towpath.example", "Percy Latchford", "Sells gates, latches and hinges.")
NELL = Reader("nell", "nell@towpath.example", "Nell Abernathy", "Writes this blog.", roles=("admin",))

SWITCH = (ADA, GRACE, MO)
"""Whom a visitor of the demo can log in as."""

FIRST_COMMENT = (
    "We had the same argument about the lock gates in 1974. *Nobody* minded a latch, provided it was easy to lift. "
    "Glad the comments are back."
)
FIRST_ANSWER = "Easy to lift is the whole job. Tell me when it sticks, Walter."
LINKED_COMMENT = "Our latches never stick! Ten percent off for readers of this blog: https://latches.example/towpath"
WAITING_COMMENT = "Does the gate let ducks through? Asking for several friends."
