"""Every login kind there is. A new kind: its file beside this one, and its settings class on this list."""

from typing import Annotated

from pydantic import Field

from service.auth.jwt import JwtLogin
from service.auth.oidc import OidcLogin

# fmt: off
LoginSettings = Annotated[
    JwtLogin
    | OidcLogin,
    Field(discriminator="kind"),
]
# fmt: on
"""The settings of one `[[sites.X.login]]` block: one class per `kind`."""
