"""Every login kind there is. A new kind: its file beside this one, and its settings class on this list."""

from typing import Annotated

from pydantic import Field

from service.auth.forwarded import ForwardedLogin
from service.auth.introspection import IntrospectionLogin
from service.auth.jwt import JwtLogin
from service.auth.oidc import OidcLogin
from service.auth.session import SessionLogin

# fmt: off
LoginSettings = Annotated[
    JwtLogin
    | OidcLogin
    | IntrospectionLogin
    | SessionLogin
    | ForwardedLogin,
    Field(discriminator="kind"),
]
# fmt: on
"""The settings of one `[[sites.X.login]]` block: one class per `kind`."""
