"""From the language of a foreign body to CommonMark."""

from service.transfer.imported import BodyFormat


def to_markdown(body: str, body_format: BodyFormat) -> str:
    """`body` in CommonMark."""
    return body
