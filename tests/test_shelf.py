"""The memory with a bound in bytes: it holds, whatever is put there."""

from hypothesis import given
from hypothesis import strategies as st

from service import shelf
from service.shelf import ENTRY_BYTES, Shelf


def _length(key: str, value: str) -> int:
    return len(key) + len(value)


def test_what_came_first_makes_room() -> None:
    kept = Shelf[str, str](10, _length)
    for key in "abc":
        kept.put(key, "1234")
    assert [kept.find(key) for key in "abc"] == [None, "1234", "1234"]
    assert (len(kept), kept.bytes) == (2, 10)


def test_what_is_put_there_again_is_the_youngest() -> None:
    kept = Shelf[str, str](10, _length)
    for key in "abac":
        kept.put(key, "1234")
    assert [kept.find(key) is not None for key in "abc"] == [True, False, True]


def test_what_is_larger_than_the_shelf_is_not_kept() -> None:
    kept = Shelf[str, str](10, _length)
    kept.put("a", "x" * 10)
    assert (kept.find("a"), len(kept), kept.bytes) == (None, 0, 0)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.text(max_size=12), st.booleans())))
def test_the_bound_holds_and_the_count_is_true(steps: list[tuple[str, str, bool]]) -> None:
    kept = Shelf[str, str](20, _length)
    for key, value, is_dropped in steps:
        if is_dropped:
            kept.drop(key)
        else:
            kept.put(key, value)
        there = {key: found for key in "abcdefgh" if (found := kept.find(key)) is not None}
        assert kept.bytes == sum(_length(*entry) for entry in there.items()) <= 20
        assert len(kept) == len(there)
    kept.clear()
    assert (kept.bytes, kept.oldest()) == (0, None)


def test_a_small_value_is_as_long_as_its_texts() -> None:
    assert shelf.small(b"key", "x" * 1_000) > ENTRY_BYTES + 1_000
    assert shelf.small(b"key", "\N{GRINNING FACE}" * 1_000) > ENTRY_BYTES + 4_000
