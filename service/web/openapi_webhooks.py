"""How `/openapi.json` describes the calls that the service makes to receivers of the blog. A part of `openapi`."""

from typing import Any

from service.delivery import outside_events
from service.delivery.outside_shapes import OutsideEvent

PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "name": (
        "A webhook's name in the configuration",
        {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$", "examples": ["build"]},
    ),
}
SIGNATURE = [
    {"name": name, "in": "header", "required": True, "description": description, "schema": {"type": "string"}}
    for name, description in (
        ("webhook-id", "The event's `id`, the same in every try"),
        ("webhook-timestamp", "When this try was made, in seconds since the Unix epoch"),
        ("webhook-signature", "Of id, time and body, by Standard Webhooks; one for each secret, with spaces between"),
    )
]


def described(references: str) -> dict[str, Any]:
    """Every type of event that webhooks tell. `references` is how a schema of the document is named."""
    return {type_: {"post": _call(type_, references)} for type_ in outside_events.KINDS}


def _call(type_: str, references: str) -> dict[str, Any]:
    """A call that the service makes to a receiver of the blog, for one type of event."""
    of_type = {"allOf": [{"$ref": references.format(model=OutsideEvent.__name__)}]}
    schema = {**of_type, "properties": {"type": {"const": type_}}}
    content = {"application/json": {"schema": schema, "example": outside_events.example(type_)}}
    return {
        "operationId": type_,
        "summary": outside_events.KINDS[type_].says,
        "parameters": SIGNATURE,
        "requestBody": {"required": True, "content": content},
        "responses": {
            "2XX": {"description": "Taken. Anything else is tried again."},
            "410": {"description": "Send nothing more, until the configuration changes or somebody resumes it."},
        },
        "security": [],
    }
