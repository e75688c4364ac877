"""What it is about: which post, how old it is, how much was said there."""

from service.triage.check import ContextCheck
from service.triage.facts import Findings, names, number
from service.triage.seen import Context, Text

DAY = 86_400_000

AGE_DAYS = number("post.age_days", "Whole days since the post appeared, where that is known.")
COMMENTS = number("post.comments", "Approved comments of the post.")
KEY = names("post.key", "What the blog calls the post.")


def look(_: Text, context: Context) -> Findings:
    """A post that appears only in the future is 0 days old."""
    post = context.post
    age = None if post.since is None else max(0, context.now - post.since) // DAY
    return Findings({AGE_DAYS: age, COMMENTS: post.comments, KEY: frozenset({str(post.key)})})


CHECK = ContextCheck("post", (AGE_DAYS, COMMENTS, KEY), look)
