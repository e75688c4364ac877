"""The check `comment`: an edit or not, a reply or not."""

import pytest

from tests.triage.checks.looking import context, found


@pytest.mark.parametrize("is_edit", [True, False])
@pytest.mark.parametrize("is_reply", [True, False])
def test_both_flags(*, is_edit: bool, is_reply: bool) -> None:
    values = found("Hello", context(is_edit=is_edit, is_reply=is_reply)).values
    assert (values["comment.is_edit"], values["comment.is_reply"]) == (is_edit, is_reply)
