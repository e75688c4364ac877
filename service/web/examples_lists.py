"""Examples of what crosses the wire about lists. A part of `examples`."""

from typing import Any

from service.web import incoming_lists, outgoing_lists

CHANGED = "2026-01-31T09:41:12.345Z"
MODERATOR: dict[str, Any] = {"kind": "moderator", "key": "n4c8u1b6z9d2f5h0", "name": "Mo"}
LIST: dict[str, Any] = {
    "name": "rivals",
    "title": "Names of rival shops",
    "kind": "words",
    "note": None,
    "version": 9,
    "entries": 212,
    "changed_by": MODERATOR,
    "changed_at": CHANGED,
}

EXAMPLES: dict[Any, dict[str, Any]] = {
    incoming_lists.ListBody: {"title": "Names of rival shops", "kind": "words", "note": "Asked for in May"},
    incoming_lists.EntriesChange: {
        "add": [{"value": "acme", "not": ["acme corp"], "note": None, "until": "2026-12-31T23:00:00Z"}],
        "remove": ["old name"],
    },
    outgoing_lists.ListsReply: {"lists": [LIST]},
    outgoing_lists.ListReply: {"list": LIST},
    outgoing_lists.ListEntries: {
        "entries": [
            {
                "value": "acme",
                "not": ["acme corp"],
                "note": None,
                "until": None,
                "added_by": MODERATOR,
                "added_at": CHANGED,
                "matched_30d": 14,
                "overturned_30d": 9,
                "last_matched_at": CHANGED,
            }
        ],
        "next": None,
    },
    outgoing_lists.EntriesChanged: {"list": LIST, "added": 1, "removed": 0, "unchanged": 0},
}
