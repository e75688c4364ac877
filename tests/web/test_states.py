"""The states of a connection: where each can lead, and where none can."""

from hypothesis import given
from hypothesis import strategies as st

from service.web.states import (
    ASKING,
    ENDED,
    REPLYING,
    Asking,
    AskingEvent,
    Replying,
    ReplyingEvent,
    after_asking,
    after_sending,
)


def test_every_state_stands_in_its_table_and_can_be_reached() -> None:
    assert (set(ASKING), set(REPLYING)) == (set(Asking), set(Replying))
    assert {state for ways in ASKING.values() for state in ways.values()} == set(Asking)
    assert {state for ways in REPLYING.values() for state in ways.values()} == set(Replying)


def test_every_event_changes_something_somewhere() -> None:
    assert {event for ways in ASKING.values() for event in ways} == set(AskingEvent)
    assert {event for ways in REPLYING.values() for event in ways} == set(ReplyingEvent)


@given(st.lists(st.sampled_from(AskingEvent)))
def test_nothing_arrives_behind_the_last_request(events: list[AskingEvent]) -> None:
    state = after_asking(Asking.BODY, AskingEvent.LAST)
    for event in events:
        state = after_asking(state, event)
        assert state in ENDED


@given(st.lists(st.sampled_from(AskingEvent)))
def test_whoever_has_closed_their_side_stays_gone(events: list[AskingEvent]) -> None:
    state = after_asking(Asking.OVER, AskingEvent.END)
    for event in events:
        state = after_asking(state, event)
    assert state is Asking.GONE


@given(st.lists(st.sampled_from(ReplyingEvent)))
def test_nothing_is_said_behind_the_last_reply(events: list[ReplyingEvent]) -> None:
    state = after_sending(Replying.REPLY, ReplyingEvent.LAST_REPLY)
    for event in events:
        state = after_sending(state, event)
    assert state is Replying.OVER


def test_a_request_that_comes_while_a_stream_is_sent_does_not_end_it() -> None:
    assert after_sending(Replying.STREAM, ReplyingEvent.REQUEST) is Replying.STREAM
    assert after_sending(Replying.STREAM, ReplyingEvent.NEXT) is Replying.REPLY
