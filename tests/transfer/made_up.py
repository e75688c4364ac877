"""Made-up exports of other systems, of any length: for tests that kill, and for benchmarks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

WORDS = (
    "I read this on the train, and missed my stop. The second part says what nobody else has said so far: that "
    "the light in the valley is another one in autumn. My father, who worked there, used to say the same. "
)
PER_POST = 50
BEGIN = datetime(2010, 1, 1, tzinfo=UTC)
DISQUS = "xmlns='http://disqus.com' xmlns:dsq='http://disqus.com/disqus-internals'"


def wordpress(comments: int) -> Iterator[bytes]:
    """A WXR file: posts of fifty comments, a third of them replies, some of which stand before what they answer."""
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/">\n<channel>\n'
    for post, here in _posts(comments):
        yield (
            f"<item><title>Post {post}</title><link>https://blog.example/post-{post}/</link>"
            f"<wp:post_id>{post}</wp:post_id>\n"
        ).encode()
        for number in here[1::2] + here[::2]:
            yield _of_wordpress(number, parent=_answered(number, here[0]))
        yield b"</item>\n"
    yield b"</channel>\n</rss>\n"


def disqus(comments: int) -> Iterator[bytes]:
    """The same comments as Disqus exports them: all threads, then all posts."""
    yield f"<?xml version='1.0' encoding='utf-8'?>\n<disqus {DISQUS}>\n".encode()
    for post, _ in _posts(comments):
        yield (
            f"<thread dsq:id='{post}'><id>p{post}</id><link>https://blog.example/post-{post}/</link>"
            f"<title>Post {post}</title></thread>\n"
        ).encode()
    for post, here in _posts(comments):
        for number in here[1::2] + here[::2]:
            yield _of_disqus(number, post, parent=_answered(number, here[0]))
    yield b"</disqus>\n"


def _posts(comments: int) -> Iterator[tuple[int, list[int]]]:
    """Each post with the numbers of its comments."""
    for first in range(1, comments + 1, PER_POST):
        yield first // PER_POST, list(range(first, min(first + PER_POST, comments + 1)))


def _answered(number: int, first: int) -> int:
    return number - 1 if number % 3 == 0 and number > first else 0


def _at(number: int) -> datetime:
    """Comments come some minutes after one another, over ten years or so where there are a million."""
    return BEGIN + timedelta(minutes=5 * number)


def _of_wordpress(number: int, *, parent: int) -> bytes:
    state = {0: "spam", 1: "0"}.get(number % 20, "1")
    return (
        f"<wp:comment><wp:comment_id>{number}</wp:comment_id><wp:comment_author>Ada {number % 997}</wp:comment_author>"
        f"<wp:comment_author_email>ada{number % 997}@example.org</wp:comment_author_email>"
        f"<wp:comment_date_gmt>{_at(number):%Y-%m-%d %H:%M:%S}</wp:comment_date_gmt>"
        f"<wp:comment_content><![CDATA[{WORDS}{number}]]></wp:comment_content>"
        f"<wp:comment_approved>{state}</wp:comment_approved><wp:comment_type>comment</wp:comment_type>"
        f"<wp:comment_parent>{parent}</wp:comment_parent><wp:comment_user_id>0</wp:comment_user_id></wp:comment>\n"
    ).encode()


def _of_disqus(number: int, post: int, *, parent: int) -> bytes:
    spam, above = "true" if number % 20 == 0 else "false", f"<parent dsq:id='{parent}' />" if parent else ""
    return (
        f"<post dsq:id='{number}'><id /><message><![CDATA[<p>{WORDS}{number}</p>]]></message>"
        f"<createdAt>{_at(number):%Y-%m-%dT%H:%M:%SZ}</createdAt><isDeleted>false</isDeleted><isSpam>{spam}</isSpam>"
        f"<ipAddress>192.0.2.1</ipAddress><author><name>Ada {number % 997}</name><isAnonymous>false</isAnonymous>"
        f"<username>ada{number % 997}</username></author><thread dsq:id='{post}' />{above}</post>\n"
    ).encode()
