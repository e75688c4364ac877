"""What tests of checks say: a text with its context, looked at by one check or by all."""

from service.model import PostKey
from service.text import render
from service.triage import look
from service.triage.check import Check
from service.triage.checks import CHECKS
from service.triage.facts import Facts
from service.triage.seen import Author, Context, Post, Text, text_of
from tests.triage.policies import NOON

NOBODY = Author()
POST = Post(PostKey("hello"))


def text(body: str) -> Text:
    return text_of(body, render.to_html(body))


def context(author: Author = NOBODY, post: Post = POST, **members: int) -> Context:
    return Context(NOON, author, post, **members)  # type: ignore[arg-type]


def found(body: str, around: Context | None = None, *, checks: tuple[Check, ...] = CHECKS) -> Facts:
    """What checks of both kinds find."""
    seen = text(body)
    return look.at_text(seen, checks=checks).joined(look.at_context(seen, around or context(), checks=checks))


def marked(body: str, facts: Facts, code: str) -> list[str]:
    """The stretches of the body that a verdict names."""
    [verdict] = [verdict for verdict in facts.verdicts if verdict.code == code]
    return [body[span.start : span.end] for span in verdict.spans]


def codes(facts: Facts) -> list[str]:
    return [verdict.code for verdict in facts.verdicts]
