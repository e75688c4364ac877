"""Statements for drivers: places without names, values in their order, none forgotten."""

import pytest
from sqlalchemy import bindparam, select, update

from service.store.postgres import PostgresEngine
from service.store.sqlite import SqliteEngine
from service.store.statements import Statements, compiled
from service.store.tables import posts

_ONE = select(posts.c.title).where(posts.c.site == bindparam("site"), posts.c.post == bindparam("post"))
_COUNT = (
    update(posts)
    .where(posts.c.site == bindparam("of_site"))
    .values(count=posts.c.count + bindparam("more"), revision=posts.c.revision + bindparam("more"), title="%")
)


def test_values_stand_where_the_statement_has_places_for_them() -> None:
    found = compiled(_COUNT, SqliteEngine.dialect)
    assert found.sql.count("?") == len(found.arguments({"of_site": "blog", "more": 2})) == 4
    assert found.arguments({"of_site": "blog", "more": 2}) == ("%", 2, 2, "blog")
    assert compiled(_COUNT, PostgresEngine.dialect).sql.count("%s") == 4


def test_a_list_of_values_has_a_place_for_each() -> None:
    wanted = select(posts.c.title).where(posts.c.site == "blog", posts.c.post.in_(["a", "b", "c"]))
    found = compiled(wanted, SqliteEngine.dialect)
    assert found.sql.count("?") == 4
    assert found.arguments({}) == ("blog", "a", "b", "c")


def test_one_value_and_none_are_tuples_too() -> None:
    assert compiled(select(posts).where(posts.c.site == "blog"), SqliteEngine.dialect).arguments({}) == ("blog",)
    assert compiled(select(posts), SqliteEngine.dialect).arguments({}) == ()


def test_a_value_that_is_missing_is_no_null() -> None:
    with pytest.raises(KeyError, match="post"):
        compiled(_ONE, SqliteEngine.dialect).arguments({"site": "blog"})


def test_a_given_value_goes_before_the_statement_s_own() -> None:
    statement = select(posts).where(posts.c.site == bindparam("site", "blog"))
    assert compiled(statement, SqliteEngine.dialect).arguments({"site": "other"}) == ("other",)


def test_only_what_writes_is_said_to() -> None:
    statements = Statements(SqliteEngine.dialect)
    assert (statements.compiled(_ONE).only_reads, statements.compiled(_COUNT).only_reads) == (True, False)
    assert statements.compiled(_ONE) is statements.compiled(_ONE)
