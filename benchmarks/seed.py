"""Fills an empty store with posts and approved comments of made-up text, by the service's own verbs. For `bench.py`.

The same seed gives the same conversation: who says what, in answer to whom, and when. (Ids are made by chance.)
"""

import asyncio
import random
from collections.abc import Iterator
from itertools import count

from service.auth.login import author_key
from service.model import AuthorKey, Comment, Identity, Label, Milliseconds, PostKey, Profile, SiteKey, SiteRules
from service.moderation import submissions
from service.moderation.submissions import Draft
from service.store import secrets
from service.store.database import Database
from service.text import render

BEGINNING: Milliseconds = 1_767_225_600_000
"""2026-01-01, when the first comment was written."""
PEOPLE = 300
_VOCABULARY = """
the a of to and in that it is was for on with as but not this from they have one all there their which what out if about
who get when make can like time just know take people into year your good some could them see other than then now look
only come its over think also back after use two how our work first well way even new want because any gate garden
morning train letter river winter kitchen harbour bicycle lamp bread weather neighbour library orchard remember wonder
disagree measure repair forget promise follow explain borrow begin return listen answer question
"""
WORDS = _VOCABULARY.split()


def fill(url: str, *, site: str, posts: dict[str, int]) -> None:
    """Write so many approved comments on each post into the store at `url`, which no server has open."""
    asyncio.run(_fill(url, site, posts))


async def _fill(url: str, site: str, posts: dict[str, int]) -> None:
    times = count(BEGINNING, 1000)
    database = await Database.open(url, clock=lambda: next(times))
    try:
        open_site = SiteRules(SiteKey(site), premoderate=False)
        key = await database.write(secrets.get_or_make, "author-key")
        said: dict[str, list[Comment]] = {post: [] for post in posts}
        chance = random.Random("conversation")  # noqa: S311  # no secret
        for number in range(max(posts.values())):  # many posts together are one commit
            busy = [post for post, comments in posts.items() if number < comments]
            ready = [_next(chance, open_site, key, PostKey(post), said[post]) for post in busy]
            writes = (database.write(submissions.submit, open_site, *each) for each in ready)
            for post, comment in zip(busy, await asyncio.gather(*writes), strict=True):
                said[post].append(comment)
    finally:
        await database.close()


def _next(
    chance: random.Random, site: SiteRules, key: bytes, post: PostKey, said: list[Comment]
) -> tuple[PostKey, AuthorKey, Identity, Draft]:
    """The next comment on a post: one in two answers an earlier one."""
    person = chance.randrange(PEOPLE)
    profile = Profile(f"Reader {person}", url=f"https://people.example/{person}" if person % 3 == 0 else None)
    identity = Identity(site.key, "jwt", f"reader {person}", profile)
    parent = chance.choice(said[-8:]).id if said and chance.random() < 0.5 else None
    body = text(chance)
    draft = Draft(body, render.to_html(body), parent, Label(f"Post {post}", f"https://blog.example/{post}"))
    return post, author_key(key, identity), identity, draft


def text(chance: random.Random) -> str:
    """One to four paragraphs of CommonMark; every third comment has emphasis, a link, a quotation, a list or code."""
    paragraphs = [" ".join(_sentences(chance)) for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4)))]
    if chance.random() < 1 / 3:
        paragraphs[0] = chance.choice(
            (
                f"**{_sentence(chance)}** {paragraphs[0]}",
                f"{paragraphs[0]} See https://blog.example/{chance.randrange(10_000)} and [this](https://example.org/).",
                f"> {_sentence(chance)}\n\n{paragraphs[0]}",
                f"{paragraphs[0]}\n\n- {_sentence(chance)}\n- {_sentence(chance)}",
                f"`{chance.choice(WORDS)}` *{chance.choice(WORDS)}*: {paragraphs[0]}",
            )
        )
    return "\n\n".join(paragraphs)


def _sentences(chance: random.Random) -> Iterator[str]:
    for _ in range(chance.randint(1, 4)):
        yield _sentence(chance)


def _sentence(chance: random.Random) -> str:
    words = chance.choices(WORDS, k=chance.randint(5, 16))
    return f"{' '.join(words).capitalize()}{chance.choice('..?!')}"
