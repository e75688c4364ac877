"""What is remembered of requests has a bound, however many come and however they differ. The other memories have their
tests beside them: pages, the hatch, tokens, answers of logins, rates."""

from ipaddress import ip_address, ip_network
from pathlib import Path

from multidict import CIMultiDict, CIMultiDictProxy
from sqlalchemy import text

from service.metrics import Metrics
from service.reading.page import coding_for, format_for
from service.settings import Limits
from service.store.database import Database, Transaction
from service.store.sqlite import READER_CACHE_KILOBYTES
from service.web import address
from service.web.address import LONGEST_WORD, Addresses
from service.web.limits import RateLimits
from service.web.rates import MAX_KEYS
from tests.harness import Hands

PROXY = ip_address("10.0.0.1")


def test_few_headers_are_remembered_since_each_may_be_long() -> None:
    for number in range(1_000):
        assert coding_for(f"gzip;q=0.{number + 1}") == "gzip"
        format_for(f"text/html;q=0.{number}")
    assert coding_for.cache_info().currsize <= 128
    assert format_for.cache_info().currsize <= 128


def test_what_cannot_be_an_address_is_not_remembered() -> None:
    addresses = Addresses([ip_network("10.0.0.0/8")])
    address._parse.cache_clear()
    for number in range(10):
        headers = CIMultiDictProxy(CIMultiDict({"X-Forwarded-For": f"192.0.2.7, {number}{'x' * LONGEST_WORD}"}))
        assert addresses.client(PROXY, headers) == PROXY
    assert address._parse.cache_info().currsize == 0


def test_addresses_whose_reads_are_counted_in_one_go_are_so_many() -> None:
    counted = RateLimits(Limits(), metrics=Metrics(), clock=lambda: 0.0)
    for number in range(MAX_KEYS + 100):
        assert counted.read_at_once(f"address {number}")
    assert len(counted._reads_left) == MAX_KEYS
    assert len(counted._here["read_per_address"]) == MAX_KEYS


async def test_a_reading_connection_keeps_little_of_the_file(store_path: Path, clock: Hands) -> None:
    def kept(tx: Transaction) -> int:
        row = tx.first(text("PRAGMA cache_size"))
        assert row is not None
        return -int(row["cache_size"])

    database = await Database.open(f"sqlite:///{store_path}", clock=clock)
    assert await database.read(kept) == READER_CACHE_KILOBYTES
    assert await database.write(kept) == 2_000
    await database.close()
