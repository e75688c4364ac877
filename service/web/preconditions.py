"""Documents are changed only upon the version that was read (RFC 9110, 13.1.1). Called by handlers of documents."""

import re

from pydantic import BaseModel, ConfigDict, Field

from service.errors import InvalidRequest

ONE_VERSION = re.compile(r'(?:W/)?"(0|[1-9][0-9]{0,8})"')
"""A proxy that compresses may weaken what we sent; the number says the same."""


class ChangeHeaders(BaseModel):
    """Headers of a change of a document."""

    model_config = ConfigDict(frozen=True)

    if_match: str | None = Field(
        None, alias="If-Match", description="The `ETag` of the version that was read, and that this replaces"
    )


def etag(version: int) -> str:
    """What a document's version is called in headers."""
    return f'"{version}"'


def version_in(header: str) -> int:
    """The version that `If-Match` names. Raises InvalidRequest, also for `*`, which would be none."""
    found = ONE_VERSION.fullmatch(header.strip())
    if found is None:
        raise InvalidRequest([("/If-Match", 'must be the ETag of one version, for example "17"')], place="header")
    return int(found[1])
