"""The check `post`: which one, how old, how much was said there."""

import pytest

from service.model import PostKey
from service.triage.seen import Post
from tests.triage.checks.looking import context, found
from tests.triage.policies import NOON

DAY = 86_400_000


@pytest.mark.parametrize(
    ("since", "days"),
    [(None, None), (NOON, 0), (NOON - DAY + 1, 0), (NOON - DAY, 1), (NOON - 90 * DAY, 90), (NOON + DAY, 0)],
)
def test_age_is_in_whole_days_where_it_is_known(since: int | None, days: int | None) -> None:
    assert found("Hello", context(post=Post(PostKey("a"), since))).values["post.age_days"] == days


def test_key_and_comments_are_those_of_the_post() -> None:
    values = found("Hello", context(post=Post(PostKey("open-thread/7"), None, 12))).values
    assert (values["post.key"], values["post.comments"]) == (frozenset({"open-thread/7"}), 12)
