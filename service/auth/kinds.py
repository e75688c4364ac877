"""Every login kind there is. A new kind: its file beside this one, and its settings class on this list."""

from service.auth.jwt import JwtLogin

LoginSettings = JwtLogin
"""The settings of one `[[sites.X.login]]` block: one class per `kind`."""
