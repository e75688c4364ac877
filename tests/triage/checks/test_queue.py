"""The check `queue`: how many entries wait."""

from tests.triage.checks.looking import context, found


def test_waiting_is_the_counter_of_the_site() -> None:
    assert found("Hello", context(waiting=1234)).values["queue.waiting"] == 1234
