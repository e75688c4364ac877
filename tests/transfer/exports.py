"""What other systems would export: made-up files of each format. Each holds a reply in front of what it answers.

The reply is in the state that a test asks for, in the words of that system; the other comment is public. Whoever wrote
them has an e-mail and an IP address, which nobody may take over.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

MAIL: Final = "reader@mail.example"
IP: Final = "203.0.113.9"
URL: Final = "https://blog.example/2014/first/"
HOME: Final = "https://reader.example/"
ANSWER: Final = "An answer."
QUESTION: Final = "A question?"
SECOND: Final = "2014-01-14 17:32:12"
"""The time of both; without a zone it is UTC."""

Files = dict[str, bytes]


def wxr_comment(number: int, parent: int, state: str, body: str, **more: str) -> str:
    """One comment of a WordPress export."""
    fields = {
        "id": str(number),
        "author": "<![CDATA[Ada]]>",
        "author_email": f"{MAIL}\n  ",
        "author_url": HOME,
        "author_IP": IP,
        "date": "2014-01-14 18:32:12",
        "date_gmt": SECOND,
        "content": f"\n  <![CDATA[{body}]]>",
        "approved": state,
        "type": "comment",
        "parent": str(parent),
        "user_id": "0",
        **more,
    }
    inner = "".join(f"<wp:comment_{name}>{value}</wp:comment_{name}>" for name, value in fields.items())
    return f"<wp:comment>{inner}</wp:comment>\n"


def wxr(*comments: str, post: int = 7, namespace: str = "http://wordpress.org/export/1.2/") -> bytes:
    """A WordPress export with one post."""
    return wxr_of((post, comments), namespace=namespace)


def wxr_of(*posts: tuple[int, tuple[str, ...]], namespace: str = "http://wordpress.org/export/1.2/") -> bytes:
    """A WordPress export of several posts."""
    items = "".join(
        f"<item><title>First</title><link>{URL}</link><wp:post_id>{post}</wp:post_id>\n{''.join(comments)}</item>"
        for post, comments in posts
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss xmlns:wp="{namespace}"><channel><title>Blog</title>'
        f"<wp:author><wp:author_email>{MAIL}</wp:author_email></wp:author>{items}</channel></rss>"
    ).encode()


def _wordpress(state: str) -> Files:
    return {"a": wxr(wxr_comment(2, 1, state, ANSWER), wxr_comment(1, 0, "1", QUESTION))}


def disqus_post(number: int, body: str, *, more: str = "", parent: str = "", thread: str = "9") -> str:
    """One post of a Disqus export."""
    return (
        f'<post dsq:id="{number}"><id/><message><![CDATA[<p>{body}</p>]]></message>\n'
        f"<createdAt>2014-01-14T17:32:12Z</createdAt>{more}<ipAddress>{IP}</ipAddress><author><email>{MAIL}</email>"
        f"<name>Ada</name><isAnonymous>false</isAnonymous><username>ada</username></author>"
        f'<thread dsq:id="{thread}"/>{parent}</post>\n'
    )


def disqus(*posts: str) -> bytes:
    """A Disqus export with one thread."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<disqus xmlns="http://disqus.com" '
        'xmlns:dsq="http://disqus.com/disqus-internals"><thread dsq:id="3"><id/></thread>'
        f'<thread dsq:id="9"><id>x</id><link>{URL}</link><title>First</title></thread>{"".join(posts)}</disqus>'
    ).encode()


def _disqus(state: str) -> Files:
    reply = disqus_post(2, ANSWER, more=state, parent='<parent dsq:id="1"/>')
    return {"a": disqus(reply, disqus_post(1, QUESTION))}


def _isso(state: str) -> Files:
    tables = """
        CREATE TABLE threads (id INTEGER PRIMARY KEY, uri VARCHAR UNIQUE, title VARCHAR);
        CREATE TABLE comments (tid REFERENCES threads(id), id INTEGER PRIMARY KEY, parent INTEGER, created FLOAT,
            modified FLOAT, mode INTEGER, remote_addr VARCHAR, text VARCHAR, author VARCHAR, email VARCHAR,
            website VARCHAR, likes INTEGER DEFAULT 0, dislikes INTEGER DEFAULT 0, voters BLOB);
    """
    inserted = "INSERT INTO comments VALUES (1, ?, ?, 1389720732.0, NULL, ?, ?, ?, 'Ada', ?, ?, 3, 0, x'00')"
    rows = [(1, 2, state, IP, ANSWER, MAIL, HOME), (2, None, "1", IP, QUESTION, MAIL, HOME)]
    return {"a": _database(tables, ("INSERT INTO threads VALUES (1, '/2014/first/', 'First')", [()]), (inserted, rows))}


def _isso_generic(_: str) -> Files:
    def comment(number: int, body: str) -> dict[str, Any]:
        return {"id": number, "author": "Ada", "email": MAIL, "website": HOME, "remote_addr": IP, "created": SECOND,
                "text": body}  # fmt: skip

    comments = [{**comment(2, ANSWER), "parent": 1}, comment(1, QUESTION)]
    return {"a": json.dumps([{"comments": comments, "id": "/2014/first/", "title": "First"}]).encode()}


def _remark42(state: str) -> Files:
    def comment(source_id: str, parent: str, body: str, **more: Any) -> dict[str, Any]:
        user = {"name": "Ada", "id": "github_1", "ip": IP}
        return {"id": source_id, "pid": parent, "text": f"<p>{body}</p>", "orig": body, "user": user, "title": "First",
                "locator": {"site": "blog", "url": URL}, "votes": {"u": True}, "time": "2014-01-14T12:32:12-05:00",
                **more}  # fmt: skip

    blocked = {"id": "x", "details": {"email": MAIL}}
    return {"a": _lines({"version": 1, "users": [blocked], "posts": []},
                        comment("b", "a", ANSWER, **json.loads(state)), comment("a", "", QUESTION))}  # fmt: skip


def _commento(state: str) -> Files:
    def comment(source_id: str, parent: str, body: str, state: str = "approved", **more: Any) -> dict[str, Any]:
        return {"commentHex": source_id, "domain": "blog.example", "url": "/2014/first/", "commenterHex": "c" * 64,
                "markdown": body, "html": "", "parentHex": parent, "score": 2, "state": state,
                "creationDate": "2014-01-14T17:32:12Z", "deleted": False, **more}  # fmt: skip

    commenters = [{"commenterHex": "c" * 64, "email": MAIL, "name": "Ada", "link": HOME}]
    comments = [comment("b", "a", ANSWER, **json.loads(state)), comment("a", "root", QUESTION)]
    return {"a": json.dumps({"version": 1, "comments": comments, "commenters": commenters}, indent=1).encode()}


def _comentario(state: str) -> Files:
    def comment(source_id: str, body: str, **more: Any) -> dict[str, Any]:
        return {"id": source_id, "pageId": "p", "markdown": body, "html": f"<p>{body}</p>", "isApproved": True,
                "isPending": False, "isDeleted": False, "createdTime": "2014-01-14T17:32:12.000Z", "authorIP": IP,
                "editedTime": "0001-01-01T00:00:00.000Z", "userCreated": "u", "url": f"{URL}#x", **more}  # fmt: skip

    whole = {
        "version": 3,
        "pages": [{"id": "p", "path": "/2014/first/", "title": "First"}],
        "comments": [comment("b", ANSWER, parentId="a", **json.loads(state)), comment("a", QUESTION)],
        "commenters": [{"id": "u", "email": MAIL, "name": "Ada", "websiteUrl": HOME}],
    }
    return {"a": json.dumps(whole).encode()}


def _artalk(state: str) -> Files:
    def comment(source_id: str, parent: str, body: str, state: Any) -> dict[str, Any]:
        return {"id": source_id, "rid": parent, "content": body, "ua": "", "ip": IP, "is_pending": state,
                "created_at": "2014-01-14 18:32:12 +0100", "nick": "Ada", "email": MAIL, "link": HOME,
                "page_key": URL, "page_title": "First"}  # fmt: skip

    return {
        "a": json.dumps([comment("2", "1", ANSWER, json.loads(state)), comment("1", "0", QUESTION, "false")]).encode()
    }


def _waline(state: str) -> Files:
    def comment(number: int, body: str, **more: Any) -> dict[str, Any]:
        return {"objectId": number, "comment": body, "insertedAt": "2014-01-14T17:32:12.000Z", "ip": IP, "mail": MAIL,
                "nick": "Ada", "link": HOME, "url": "/2014/first/", **more}  # fmt: skip

    comments = [comment(2, ANSWER, pid=1, rid=1, **json.loads(state)), comment(1, QUESTION, status="approved")]
    whole = {"type": "waline", "version": 1, "tables": [], "data": {"Comment": comments, "Users": [{"email": MAIL}]}}
    return {"a": json.dumps(whole).encode()}


def _twikoo(state: str) -> Files:
    def comment(source_id: str, body: str, **more: Any) -> dict[str, Any]:
        return {"_id": source_id, "nick": "Ada", "mail": MAIL, "mailMd5": "0", "link": HOME, "ip": IP, "href": URL,
                "url": "/2014/first/", "comment": f"<p>{body}</p>\n", "created": 1389720732000, **more}  # fmt: skip

    return {"a": _lines(comment("b", ANSWER, pid="a", rid="a", **json.loads(state)), comment("a", QUESTION))}


def _valine(state: str) -> Files:
    def comment(source_id: str, body: str, **more: Any) -> dict[str, Any]:
        return {"objectId": source_id, "nick": "Ada", "mail": MAIL, "link": HOME, "ip": IP, "url": "/2014/first/",
                "comment": f"<p>{body}</p>", "insertedAt": {"__type": "Date", "iso": "2014-01-14T17:32:12.000Z"},
                **more}  # fmt: skip

    comments = [comment("b", ANSWER, pid="a", rid="a", **json.loads(state)), comment("a", QUESTION)]
    return {"a": json.dumps(comments).encode()}


def _coral(state: str) -> Files:
    at = {"$date": "2014-01-14T17:32:12.000Z"}

    def comment(source_id: str, body: str, **more: Any) -> dict[str, Any]:
        revisions = [
            {"id": "r", "body": "Older", "createdAt": at},
            {"id": "s", "body": f"<p>{body}</p>", "createdAt": at},
        ]
        return {"id": source_id, "storyID": "s", "authorID": "u", "revisions": revisions, "status": "NONE",
                "createdAt": {"$date": {"$numberLong": "1389720732000"}}, **more}  # fmt: skip

    return {
        "a": _lines({"id": "u", "username": "Ada", "email": MAIL, "lastIP": IP}),
        "b": _lines(comment("b", ANSWER, parentID="a", **json.loads(state)), comment("a", QUESTION)),
        "c": _lines({"id": "s", "url": URL, "metadata": {"title": "First"}}),
    }


_CUSDIS_COLUMNS: Final = (
    "id,pageId,created_at,updated_at,deletedAt,moderatorId,by_email,by_nickname,content,approved,parentId"
)


def _cusdis(state: str) -> Files:
    tables = f"""
        CREATE TABLE pages (id TEXT PRIMARY KEY, slug TEXT, url TEXT, title TEXT, projectId TEXT);
        CREATE TABLE comments ({_CUSDIS_COLUMNS});
        CREATE TABLE projects (id TEXT PRIMARY KEY, title TEXT);
    """
    deleted, approved = json.loads(state)
    answer = ("b", "p", 1389720732000, 0, deleted, None, MAIL, "Ada", ANSWER, approved, "a")
    question = ("a", "p", 1389720732000, 0, None, None, MAIL, "Ada", QUESTION, 1, None)
    page = ("INSERT INTO pages VALUES ('p', '/2014/first/', ?, 'First', 'j')", [(URL,)])
    return {
        "a": _database(
            tables, page, ("INSERT INTO comments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [answer, question])
        )
    }


def _cusdis_csv(state: str) -> Files:
    deleted, approved = json.loads(state)
    comments = [
        _CUSDIS_COLUMNS,
        f'b,p,2014-01-14 17:32:12,,{deleted or ""},,{MAIL},Ada,"{ANSWER}",{"t" if approved else "f"},a',
        f'a,p,2014-01-14 17:32:12,,,,{MAIL},Ada,"{QUESTION}",t,',
    ]
    return {
        "a": "\n".join(comments).encode(),
        "b": f"id,slug,url,title,projectId\np,/2014/first/,{URL},First,j\n".encode(),
        "c": b"id,title,ownerId\nj,Blog,o\n",
    }


def _lines(*objects: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in objects)


def _database(tables: str, *inserted: tuple[str, list[tuple[Any, ...]]]) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(tables)
        for statement, rows in inserted:
            connection.executemany(statement, rows)
        connection.commit()
        return connection.serialize()


WRITERS: Final[dict[str, Callable[[str], Files]]] = {
    "wordpress": _wordpress,
    "disqus": _disqus,
    "isso": _isso,
    "isso (generic)": _isso_generic,
    "remark42": _remark42,
    "commento": _commento,
    "comentario": _comentario,
    "artalk": _artalk,
    "waline": _waline,
    "twikoo": _twikoo,
    "valine": _valine,
    "coral": _coral,
    "cusdis": _cusdis,
    "cusdis (csv)": _cusdis_csv,
}

STATES: Final = {
    "wordpress": {"1": "approved", "0": "pending", "spam": "spam", "trash": "deleted", "post-trashed": "deleted"},
    "disqus": {
        "": "approved",
        "<isDeleted>false</isDeleted><isSpam>false</isSpam>": "approved",
        "<isDeleted>true</isDeleted><isSpam>false</isSpam>": "deleted",
        "<isDeleted>false</isDeleted><isSpam>true</isSpam>": "spam",
        "<isDeleted>true</isDeleted><isSpam>true</isSpam>": "spam",
    },
    "isso": {"1": "approved", "2": "pending", "4": "deleted"},
    "isso (generic)": {"": "approved"},
    "remark42": {"{}": "approved", '{"delete": true}': "deleted"},
    "commento": {
        "{}": "approved",
        '{"state": "unapproved"}': "pending",
        '{"state": "flagged"}': "pending",
        '{"deleted": true}': "deleted",
    },
    "comentario": {
        "{}": "approved",
        '{"isApproved": false, "isPending": true}': "pending",
        '{"isApproved": false}': "rejected",
        '{"isDeleted": true}': "deleted",
    },
    "artalk": {'"false"': "approved", '"true"': "pending", "false": "approved", "true": "pending", "1": "pending"},
    "waline": {
        "{}": "approved",
        '{"status": "approved"}': "approved",
        '{"status": "waiting"}': "pending",
        '{"status": "spam"}': "spam",
    },
    "twikoo": {"{}": "approved", '{"isSpam": true}': "spam"},
    "valine": {"{}": "approved", '{"status": "waiting"}': "pending", '{"status": "spam"}': "spam"},
    "coral": {
        "{}": "approved",
        '{"status": "APPROVED"}': "approved",
        '{"status": "REJECTED"}': "rejected",
        '{"status": "PREMOD"}': "pending",
        '{"status": "SYSTEM_WITHHELD"}': "pending",
        '{"deletedAt": {"$date": "2015-01-14T17:32:12Z"}}': "deleted",
    },
    "cusdis": {"[null, 1]": "approved", "[null, 0]": "pending", "[1389720732000, 1]": "deleted"},
    "cusdis (csv)": {"[null, 1]": "approved", "[null, 0]": "pending", '["2015-01-14 17:32:12", 0]': "deleted"},
}
"""What each system can say of a comment, in its own words, and what that is here."""


def written(folder: Path, name: str, state: str | None = None) -> list[Path]:
    """The files of such an export, under names that say nothing."""
    files = WRITERS[name](next(iter(STATES[name])) if state is None else state)
    return [put(folder / title, content) for title, content in files.items()]


def put(path: Path, content: bytes) -> Path:
    """A file with this content."""
    path.write_bytes(content)
    return path
