"""On which line of a document's text a value stands."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.triage.document.lines import line_of, lines_of

TEXT = """{"format": 1,
 "rules": [
  {"id": "a", "when": [{"links.count":
     {"at_least": 1}}]},

  {"id": "b/~", "tilde~/slash": [1,
   2]}]}"""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_each_value_has_its_line() -> None:
    lines = lines_of(TEXT)
    found = {
        "": 1,
        "/format": 1,
        "/rules": 2,
        "/rules/0": 3,
        "/rules/0/when/0/links.count": 3,
        "/rules/0/when/0/links.count/at_least": 4,
        "/rules/1/id": 6,
        "/rules/1/tilde~0~1slash/1": 7,
    }
    assert {pointer: lines[pointer] for pointer in found} == found


def test_what_is_missing_stands_where_it_should_have_stood() -> None:
    lines = lines_of(TEXT)
    assert line_of(lines, "/rules/1/reason") == 6
    assert line_of(lines, "/nowhere/at/all") == 1


@given(VALUES)
def test_every_value_of_any_document_is_found(value: Any) -> None:
    text = json.dumps(value, indent=1)
    lines = lines_of(text)
    assert set(lines) == set(_pointers(value, ""))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


def _pointers(value: Any, here: str) -> list[str]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [here]
    for name, inner in members:
        found += _pointers(inner, f"{here}/{str(name).replace('~', '~0').replace('/', '~1')}")
    return found
