"""The states of a connection: what its client is sending, what we are sending, and what follows what.

`guard` keeps one of each for every connection. What is not in a table changes nothing.
"""

from enum import StrEnum


class Asking(StrEnum):
    """What the client is sending."""

    NOTHING = "nothing of a request has arrived"
    HEAD = "the head of a request is arriving"
    BODY = "a head is whole, and its body is arriving"
    OVER = "nothing more is taken in: what still arrives is read and dropped"
    GONE = "the client has said that it sends nothing more"


ARRIVING = frozenset({Asking.HEAD, Asking.BODY})
"""Something has begun that must end soon."""
ENDED = frozenset({Asking.OVER, Asking.GONE})
"""No request can come any more behind those that are in the queue."""


class Heard(StrEnum):
    """What happens to `Asking`."""

    BEGINNING = "the first bytes of a request"
    HEAD = "the end of a head, without all of its body"
    WHOLE = "the end of a request"
    LAST = "the end of the last request, or something was refused, or we have hung up"
    END = "the client has closed its side"


class Replying(StrEnum):
    """What we are sending."""

    NOTHING = "every request has its reply"
    REPLY = "a request waits for its reply, or the reply is being sent"
    STREAM = "a reply that goes on until its client leaves is being sent"
    SKIPPING = "the reply is sent; the rest of its request is read and dropped, for the sake of the next one"
    OVER = "the last reply is sent"


class Said(StrEnum):
    """What happens to `Replying`."""

    REQUEST = "a request is in the queue"
    STREAM = "a reply begins that goes on"
    REPLY = "a reply is sent, its request was read to the end, nothing else is in the queue"
    NEXT = "a reply is sent, its request was read to the end, the next one is in the queue"
    EARLY_REPLY = "a reply is sent before all of its request has arrived"
    LAST_REPLY = "the reply is sent after which the connection ends"


_ARRIVING = {
    Heard.BEGINNING: Asking.HEAD,
    Heard.HEAD: Asking.BODY,
    Heard.WHOLE: Asking.NOTHING,
    Heard.LAST: Asking.OVER,
    Heard.END: Asking.GONE,
}
ASKING: dict[Asking, dict[Heard, Asking]] = {
    Asking.NOTHING: _ARRIVING,
    Asking.HEAD: _ARRIVING,
    Asking.BODY: _ARRIVING,
    Asking.OVER: {Heard.END: Asking.GONE},
    Asking.GONE: {},
}
_SENT = {
    Said.REPLY: Replying.NOTHING,
    Said.NEXT: Replying.REPLY,
    Said.EARLY_REPLY: Replying.SKIPPING,
    Said.LAST_REPLY: Replying.OVER,
}
REPLYING: dict[Replying, dict[Said, Replying]] = {
    Replying.NOTHING: {Said.REQUEST: Replying.REPLY},
    Replying.REPLY: {Said.STREAM: Replying.STREAM, **_SENT},
    Replying.STREAM: _SENT,
    Replying.SKIPPING: {Said.REQUEST: Replying.REPLY},
    Replying.OVER: {},
}


def after(state: Asking, event: Heard) -> Asking:
    """What the client is sending after `event`."""
    return ASKING[state].get(event, state)


def after_saying(state: Replying, event: Said) -> Replying:
    """What we are sending after `event`."""
    return REPLYING[state].get(event, state)
