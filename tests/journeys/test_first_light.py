"""A comment's whole life over HTTP, once, as its people live it."""

import pytest

from tests.harness import Gatepost


@pytest.mark.whole_way
async def test_a_comment_is_submitted_reviewed_published_and_read(gatepost: Gatepost) -> None:
    submitted = await gatepost.reader("ada", bio="Counts things").submit("Hello *there*", post="2005%2F07")
    comment = submitted.json["comment"]
    assert (submitted.status, comment["status"], comment["post"]) == (202, "pending", "2005/07")
    assert (await gatepost.public(post="2005%2F07"))["comments"] == []

    queue = (await gatepost.moderator().get("queue")).json
    assert [entry["comment"]["id"] for entry in queue["entries"]] == [comment["id"]]
    assert [why["code"] for why in queue["entries"][0]["why"]] == ["awaiting-approval"]

    decided = await gatepost.moderator().decide(comment["id"], "approve", comment["version"])
    assert (decided.status, decided.json["comment"]["status"]) == (201, "approved")
    assert (await gatepost.moderator().get("queue")).json["total"] == 0

    listed = await gatepost.public(post="2005%2F07")
    assert listed["post"]["count"] == 1
    assert listed["comments"][0]["author"]["bio"] == "Counts things"
    assert listed["comments"][0]["html"] == '<p dir="auto">Hello <em>there</em></p>\n'
