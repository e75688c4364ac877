"""What the tests of notices share: a chat's server and a mail server that are up."""

from collections.abc import AsyncIterator

import pytest

from tests.notices.post import Chat, Post


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    """A chat's server."""
    server = Chat()
    await server.up()
    yield server
    await server.close()


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """A mail server."""
    server = Post()
    await server.up()
    yield server
    await server.close()
