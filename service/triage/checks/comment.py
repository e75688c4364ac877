"""How it came: as a new comment or as an edit, at the top or as a reply."""

from service.triage.check import ContextCheck
from service.triage.facts import Findings, flag
from service.triage.seen import Context, Text

IS_EDIT = flag("comment.is_edit", "It is another text of a comment that is there already.")
IS_REPLY = flag("comment.is_reply", "It answers another comment.")


def look(_: Text, context: Context) -> Findings:
    """Both flags."""
    return Findings({IS_EDIT: context.is_edit, IS_REPLY: context.is_reply})


CHECK = ContextCheck("comment", (IS_EDIT, IS_REPLY), look)
