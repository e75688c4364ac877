"""`kill -9` at any moment: whatever was acknowledged is there exactly once, and the service starts without help."""

import signal
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd, audit
from tests.faults.process import Service
from tests.rows import rows_of

pytestmark = pytest.mark.own_engines
KILLS = 3
READERS = 16
ACKNOWLEDGED_BETWEEN = 60


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store without a schema, on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/killed.db"
    return str(request.getfixturevalue("empty_postgres_url"))


@pytest.mark.slow
async def test_a_killed_service_loses_nothing_and_doubles_nothing(tmp_path: Path, url: str) -> None:
    service = Service(tmp_path, url)
    await service.start()
    async with Crowd([service], readers=READERS) as crowd:
        for _ in range(KILLS):
            await crowd.told_more(ACKNOWLEDGED_BETWEEN)
            crowd.service_is_down()
            assert await service.end(signal.SIGKILL) == -signal.SIGKILL
            await service.start()
            crowd.service_is_up()
        await crowd.told_more(ACKNOWLEDGED_BETWEEN)
        await crowd.go_home()
    assert await service.end(signal.SIGTERM) == 0
    assert crowd.told.retried >= KILLS
    assert crowd.told.replayed >= 20
    with rows_of(url) as rows:
        assert audit(crowd.told, rows) == []


@pytest.mark.slow
async def test_a_killed_replica_is_no_loss_to_the_other(tmp_path: Path, postgres_url: str) -> None:
    services = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        services.append(Service(tmp_path / name, postgres_url))
        await services[-1].start()
    async with Crowd(services, readers=READERS) as crowd:
        await crowd.told_more(ACKNOWLEDGED_BETWEEN)
        await services[0].end(signal.SIGKILL)
        await crowd.told_more(ACKNOWLEDGED_BETWEEN)
        await crowd.go_home()
    assert await services[1].end(signal.SIGTERM) == 0
    with rows_of(postgres_url) as rows:
        assert audit(crowd.told, rows) == []
