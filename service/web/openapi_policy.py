"""What the description of the API says of the policy beside its routes. Called by `openapi`."""

from typing import Any

from service.web import policy

PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "version": ("The number of a version", {"type": "string", "pattern": "^[1-9][0-9]{0,8}$", "examples": ["16"]}),
    "rule": ("A rule's id", {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "examples": ["links-hold"]}),
}
_ETAG = {
    "description": "The version, to be sent as `If-Match` with a change",
    "required": True,
    "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
}
HEADERS: dict[Any, dict[str, Any]] = {
    policy.show_policy_of_site: {"ETag": _ETAG},
    policy.put_policy: {"ETag": _ETAG},
}
