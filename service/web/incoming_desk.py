"""What the desk's own forms send: who signs in, and who out."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.reading.shapes import Id

_TOKEN = 16_384
"""As long as the longest that a login takes."""
Secret = Annotated[str, Field(max_length=100)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignIn(_Form):
    """A token of the blog's, pasted by a moderator or sent by a page of the blog."""

    token: Annotated[str, Field(max_length=_TOKEN)] = ""


class CodeInAddress(_Form):
    """The code in the address of a hand-over."""

    code: Secret = ""


class Enter(_Form):
    """The same code, after its page was looked at."""

    code: Secret = ""


class SignOut(_Form):
    """Nothing but what every form carries."""

    csrf: Secret = ""


class EndSession(_Form):
    """Which session shall end."""

    csrf: Secret = ""
    id: Id
