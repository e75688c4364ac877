"""The settings of one webhook: whom to call about which events, and how. A part of `settings`."""

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from service.delivery.outside_events import KINDS, Share, is_known
from service.section import Section
from service.values import Seconds, WebhookUrl, list_from_text

RETRY_SECONDS = (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""After the first try: three days and a half in all, so that a receiver that fails on a Friday is mended on Monday."""


def _type(text: str) -> str:
    if not is_known(text):
        known = ", ".join(KINDS)
        raise ValueError(f'"{text}" is no event: write one of {known}, or the beginning of some with a * behind it')
    return text


Types = Annotated[tuple[Annotated[str, AfterValidator(_type)], ...], BeforeValidator(list_from_text)]
Wait = Annotated[Seconds, Field(gt=0, le=7 * 86_400)]


class WebhookSettings(Section):
    """One receiver. What is delivered to it and what is not is kept under its site and `name`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    url: WebhookUrl
    secret_env: str | None = None
    secret_file: Path | None = None
    events: Types = ()
    share: Share = Field(Share.TEXTS, alias="with")
    timeout_seconds: Seconds = Field(10.0, gt=0, le=60)
    retry_seconds: tuple[Wait, ...] = Field(RETRY_SECONDS, max_length=50)

    @property
    def fingerprint(self) -> str:
        """A word that is another one when anything here is."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:32]

    @model_validator(mode="after")
    def _one_secret(self) -> "WebhookSettings":
        if (self.secret_env is None) == (self.secret_file is None):
            raise ValueError("give one of secret_env, secret_file: every call is signed")
        return self
