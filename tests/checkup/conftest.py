"""What the tests of `gatepost check` share: somebody else's servers, and a configuration without a fault."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.auth.issuer import Issuer
from tests.auth.local_server import LocalServer
from tests.checkup.checked import jwt
from tests.harness import SECRET, Hands, configuration


@pytest.fixture
async def server() -> AsyncIterator[LocalServer]:
    """Somebody else's server."""
    running = LocalServer()
    await running.up()
    yield running
    await running.close()


@pytest.fixture
async def issuer(clock: Hands) -> AsyncIterator[Issuer]:
    running = Issuer(clock)
    await running.up()
    yield running
    await running.close()


@pytest.fixture
def configured(store_path: Path) -> dict[str, Any]:
    """A configuration without a fault and without a warning, on a port that the system chooses."""
    values = configuration(f"sqlite:///{store_path}")
    values["server"] |= {"trusted_proxies": ["127.0.0.1"], "max_connections": 1}
    values["limits"]["enabled"] = True
    secret = store_path.with_name("secret")
    secret.write_text(SECRET)
    secret.chmod(0o600)
    values["sites"]["blog"]["login"] = [jwt(secret_file=str(secret), secret=None)]
    del values["sites"]["other"]
    return values
