"""Made-up exports of other systems, of any length: for tests that kill, and for benchmarks."""

from collections.abc import Iterator

WORDS = (
    "I read this on the train, and missed my stop. The second part says what nobody else has said so far: that "
    "the light in the valley is another one in autumn. My father, who worked there, used to say the same. "
)
PER_POST = 50


def wordpress(comments: int) -> Iterator[bytes]:
    """A WXR file: posts of fifty comments, a third of them replies, some of which stand before what they answer."""
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/">\n<channel>\n'
    for first in range(1, comments + 1, PER_POST):
        post = first // PER_POST
        yield (
            f"<item><title>Post {post}</title><link>https://blog.example/post-{post}/</link>"
            f"<wp:post_id>{post}</wp:post_id>\n"
        ).encode()
        here = list(range(first, min(first + PER_POST, comments + 1)))
        for number in here[1::2] + here[::2]:
            yield _comment(number, parent=number - 1 if number % 3 == 0 and number > first else 0)
        yield b"</item>\n"
    yield b"</channel>\n</rss>\n"


def _comment(number: int, *, parent: int) -> bytes:
    minute, second = divmod(number, 60)
    hour, minute = divmod(minute, 60)
    day, hour = divmod(hour, 24)
    state = {0: "spam", 1: "0"}.get(number % 20, "1")
    return (
        f"<wp:comment><wp:comment_id>{number}</wp:comment_id><wp:comment_author>Ada {number % 997}</wp:comment_author>"
        f"<wp:comment_author_email>ada{number % 997}@example.org</wp:comment_author_email>"
        f"<wp:comment_date_gmt>20{10 + day // 336:02}-{1 + day // 28 % 12:02}-{1 + day % 28:02} "
        f"{hour:02}:{minute:02}:{second:02}</wp:comment_date_gmt>"
        f"<wp:comment_content><![CDATA[{WORDS}{number}]]></wp:comment_content>"
        f"<wp:comment_approved>{state}</wp:comment_approved><wp:comment_type>comment</wp:comment_type>"
        f"<wp:comment_parent>{parent}</wp:comment_parent><wp:comment_user_id>0</wp:comment_user_id></wp:comment>\n"
    ).encode()
