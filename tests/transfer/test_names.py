"""Names of files: whatever a post is called, its files stand in their folder, under a name that no other post has."""

import re
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model import PostKey
from service.transfer.names import name_of

READABLE = {
    "post": "post",
    "2005/07/a-tuesday": "2005%2F07%2Fa-tuesday",
    "a b": "a%20b",
    "100%": "100%25",
    "%2f": "%252f",
    "café": "caf%C3%A9",
    "a.json": "a.json",
    "contact": "contact",
    "x" * 100: "x" * 100,
    "ı": "%C4%B1",
}
HASHED = [
    "A", "aB", "..", ".", "...", "." * 100, "../x", "./x", ".hidden", "index", "index.html", "con", "CON", "nul.txt",
    "com1", "lpt9.a", "aux", "prn", "x" * 101, "ä" * 17, "Ä",
]  # fmt: skip
SAFE = re.compile(r"[a-z0-9_~=%A-F-][a-z0-9._~=%A-F-]{0,99}")


@pytest.mark.parametrize(("key", "name"), READABLE.items())
def test_a_short_and_safe_key_can_be_read_in_the_name(key: str, name: str) -> None:
    assert name_of(PostKey(key)) == name


@pytest.mark.parametrize("key", HASHED)
def test_any_other_key_has_a_hash_in_its_place(key: str) -> None:
    assert re.fullmatch(r"=[0-9a-f]{32}", name_of(PostKey(key)))


@given(st.text(min_size=1, max_size=512, alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_name_is_a_name_in_its_folder_everywhere(key: str) -> None:
    name = name_of(PostKey(key))
    assert SAFE.fullmatch(name)
    for ending in (".json", ".html", ".json.new"):
        for kind in (PurePosixPath, PureWindowsPath):
            assert kind("folder", name + ending).parent == kind("folder")
            assert kind("folder", name + ending).name == name + ending
        assert not PureWindowsPath(name + ending).is_reserved()


KEYS = st.text(alphabet="aAäÄ/%=2fF.-", min_size=1, max_size=6)


@given(KEYS, KEYS)
def test_no_two_posts_share_a_name_even_where_case_does_not_count(one: str, other: str) -> None:
    same = name_of(PostKey(one)).casefold() == name_of(PostKey(other)).casefold()
    assert same == (one == other)
