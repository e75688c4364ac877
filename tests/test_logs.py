"""Log lines: all arrive, in order, those of one turn of the event loop in one write, and none stops a caller."""

import asyncio
import io
import threading

from service.logs import _Lines


class _Out(io.StringIO):
    """Where lines go, counting how often it is written to."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


class _Full(io.StringIO):
    """A disk that takes nothing."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


async def _next_turn() -> None:
    await asyncio.sleep(0)


async def test_lines_of_one_turn_are_written_together() -> None:
    out = _Out()
    lines = _Lines(out)
    for name in ("first", "second", "third"):
        lines.msg(name)
    assert out.getvalue() == ""
    await _next_turn()
    assert (out.getvalue(), out.writes) == ("first\nsecond\nthird\n", 1)
    lines.msg("fourth")
    await _next_turn()
    assert (out.getvalue(), out.writes) == ("first\nsecond\nthird\nfourth\n", 2)


def test_without_an_event_loop_a_line_is_written_at_once() -> None:
    out = _Out()
    _Lines(out).msg("line")
    assert out.getvalue() == "line\n"


async def test_no_line_of_many_threads_is_lost() -> None:
    out = _Out()
    lines = _Lines(out)

    def talk(name: int) -> None:
        for number in range(500):
            lines.msg(f"{name} {number}")

    threads = [threading.Thread(target=talk, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for number in range(500):
        lines.msg(f"loop {number}")
        await _next_turn()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await _next_turn()
    expected = {f"{name} {number}" for name in (0, 1, 2, 3, "loop") for number in range(500)}
    assert sorted(out.getvalue().splitlines()) == sorted(expected)


async def test_a_disk_that_is_full_stops_nobody() -> None:
    lines = _Lines(_Full())
    lines.msg("line")
    await _next_turn()
    assert not lines._waiting
