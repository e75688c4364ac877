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


class AskingEvent(StrEnum):
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


class ReplyingEvent(StrEnum):
    """What happens to `Replying`."""

    REQUEST = "a request is in the queue"
    STREAM = "a reply begins that goes on"
    REPLY = "a reply is sent, its request was read to the end, nothing else is in the queue"
    NEXT = "a reply is sent, its request was read to the end, the next one is in the queue"
    EARLY_REPLY = "a reply is sent before all of its request has arrived"
    LAST_REPLY = "the reply is sent after which the connection ends"


_ARRIVING = {
    AskingEvent.BEGINNING: Asking.HEAD,
    AskingEvent.HEAD: Asking.BODY,
    AskingEvent.WHOLE: Asking.NOTHING,
    AskingEvent.LAST: Asking.OVER,
    AskingEvent.END: Asking.GONE,
}
ASKING: dict[Asking, dict[AskingEvent, Asking]] = {
    Asking.NOTHING: _ARRIVING,
    Asking.HEAD: _ARRIVING,
    Asking.BODY: _ARRIVING,
    Asking.OVER: {AskingEvent.END: Asking.GONE},
    Asking.GONE: {},
}
_SENT = {
    ReplyingEvent.REPLY: Replying.NOTHING,
    ReplyingEvent.NEXT: Replying.REPLY,
    ReplyingEvent.EARLY_REPLY: Replying.SKIPPING,
    ReplyingEvent.LAST_REPLY: Replying.OVER,
}
REPLYING: dict[Replying, dict[ReplyingEvent, Replying]] = {
    Replying.NOTHING: {ReplyingEvent.REQUEST: Replying.REPLY},
    Replying.REPLY: {ReplyingEvent.STREAM: Replying.STREAM, **_SENT},
    Replying.STREAM: _SENT,
    Replying.SKIPPING: {ReplyingEvent.REQUEST: Replying.REPLY},
    Replying.OVER: {},
}


def after_asking(state: Asking, event: AskingEvent) -> Asking:
    """What the client is sending after `event`."""
    return ASKING[state].get(event, state)


def after_sending(state: Replying, event: ReplyingEvent) -> Replying:
    """What we are sending after `event`."""
    return REPLYING[state].get(event, state)
