"""The states of a connection: where each can lead, and where none can."""

from hypothesis import given
from hypothesis import strategies as st

from service.web.states import ASKING, ENDED, REPLYING, Asking, Heard, Replying, Said, after, after_saying


def test_every_state_stands_in_its_table_and_can_be_reached() -> None:
    assert (set(ASKING), set(REPLYING)) == (set(Asking), set(Replying))
    assert {state for ways in ASKING.values() for state in ways.values()} == set(Asking)
    assert {state for ways in REPLYING.values() for state in ways.values()} == set(Replying)


def test_every_event_changes_something_somewhere() -> None:
    assert {event for ways in ASKING.values() for event in ways} == set(Heard)
    assert {event for ways in REPLYING.values() for event in ways} == set(Said)


@given(st.lists(st.sampled_from(Heard)))
def test_nothing_arrives_behind_the_last_request(events: list[Heard]) -> None:
    state = after(Asking.BODY, Heard.LAST)
    for event in events:
        state = after(state, event)
        assert state in ENDED


@given(st.lists(st.sampled_from(Heard)))
def test_whoever_has_closed_their_side_stays_gone(events: list[Heard]) -> None:
    state = after(Asking.OVER, Heard.END)
    for event in events:
        state = after(state, event)
    assert state is Asking.GONE


@given(st.lists(st.sampled_from(Said)))
def test_nothing_is_said_behind_the_last_reply(events: list[Said]) -> None:
    state = after_saying(Replying.REPLY, Said.LAST_REPLY)
    for event in events:
        state = after_saying(state, event)
    assert state is Replying.OVER


def test_a_request_that_comes_while_a_stream_is_sent_does_not_end_it() -> None:
    assert after_saying(Replying.STREAM, Said.REQUEST) is Replying.STREAM
    assert after_saying(Replying.STREAM, Said.NEXT) is Replying.REPLY
