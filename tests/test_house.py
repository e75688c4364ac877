"""The rules of docs/house.md, kept. A failing test prints the sentence that was broken, and where."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from service.web.routes import EVERYTHING
from service.web.surface import Route

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "service"

# From the ground up. A file may import from its own floor and from those listed before it. The longest name counts.
FLOORS = [
    "model",
    "errors",
    "values",
    "section",
    "delivery.outside_events",
    "webhook_settings",
    "notice_settings",
    "origins",
    "refusal",
    "secret",
    "sources",
    "ask_health",
    "strict_json",
    "mistakes",
    "environment",
    "text",
    "embed",
    "metrics",
    "outbound",
    "background",
    "life",
    "shelf",
    "auth",
    "settings",
    "trial_token",
    "logs",
    "triage",
    "store",
    "auth.authenticator",  # looks API keys up
    "moderation",
    "delivery",
    "health",
    "reading",
    "desk",
    "delivery.outside_shapes",
    "delivery.outside_content",  # what is told of a comment is shown as readers see it
    "delivery.outside_feed",
    "webhooks",
    "notices",
    "transfer",
    "followers",
    "housekeeping",
    "web",
    "app",
    "allocator",
    "process",
    "checkup",
    "demo",
    "terminal",
    "cli_db",
    "cli_desk",
    "cli_embed",
    "cli_export",
    "cli_health",
    "cli_import",
    "cli_keys",
    "cli_lists",
    "cli_notices",
    "cli_policy",
    "cli_webhooks",
    "cli_undo",
    "cli",
    "__main__",
]
SQL_LIBRARIES = {"sqlalchemy", "sqlite3", "aiosqlite", "psycopg", "psycopg_pool", "alembic"}
HTTP_ROOMS = ("web", "demo", "app")
HTTP_CLIENTS = ("outbound.client", "ask_health")
HTTP_LIBRARIES = {"aiohttp", "http.client", "urllib.request"}
ENVIRONMENT_READERS = ("settings", "sources", "secret")
IMPURE = {"asyncio", "os", "pathlib", "random", "secrets", "socket", "threading", "time", "urllib", "uuid"}
STORE_MACHINERY = {
    "store.database",
    "store.transaction",
    "store.engine",
    "store.sqlite",
    "store.postgres",
    "store.migrate",
    "store.tables",
}
STORE_MACHINERY |= {"store.copy", "store.copy_target"}  # a whole store to another
# Writes outside of `moderation` that change no comment, author or post.
OWN_WRITES = {
    "secrets.get_or_make": "the keys that the service makes for itself at its first start",
    "followers.take": "which replica works as a follower of the store",
    "followers.begin": "where such a follower begins",
    "followers.note": "how far that follower has come",
    "leases.give_back": "which replica does a job",
    "leases.take": "which replica sends to a webhook",
    "leases.keep": "the same",
    "leases.note": "when a notice was said, and who must still hear it",
    "webhooks.begin": "where a webhook begins",
    "webhooks.save": "how far a webhook has come",
    "deliveries.add": "what was refused, and is tried again",
    "deliveries.change": "the same",
    "deliveries.wake": "the same",
    "webhooks.resumed": "an owner's order to go on",
    "deliveries.trim": "the same",
    "probe.write": "readiness asks whether the store takes a write",
}
# Files that reach into a library, with the reason.
INSIDES = {
    "web.aiohttp_inside": "aiohttp has no hooks for the guard; `tests/web/test_aiohttp_inside.py` sees when it changes",
    "store.sqlite": "aiosqlite runs no whole functions on its thread; every test of the store sees when it changes",
}
CLOCKS = re.compile(r"(datetime|date)\.(now|utcnow|today)")
VAGUE = re.compile(r"util|helper|manager|^data$|^info$|^misc$|^common$", re.IGNORECASE)
LONG_FILE = 300
LONG_FILES = {
    "errors.py": "every problem on one page: docs/problems.md tells each of them",
    "model.py": "the nouns on one page: they are read together",
    "store/tables.py": "the schema on one page: it is read together",
    "web/routes.py": "the whole surface on one page: a security reviewer starts there",
    "web/guard.py": "one state machine: a connection from accept to close; halves would share all of their state",
}


@cache
def files() -> dict[str, ast.Module]:
    """Every file of the house by its name from `service` on, with dots."""
    return {_name(path): ast.parse(path.read_text("utf-8")) for path in sorted(HOUSE.rglob("*.py"))}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix("__init__").rstrip(".")


@cache
def imports(name: str) -> tuple[str, ...]:
    """What a file imports, wherever in it: modules with all their dots, of ours from `service` on."""
    return tuple(_imports(name))


def _imports(name: str) -> Iterator[str]:
    for node in ast.walk(files()[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole.removeprefix("service.") in files() or whole == "aiohttp.web" else str(node.module)


def own_imports(name: str) -> set[str]:
    """Which files of the house a file imports."""
    found = {module.removeprefix("service.") for module in imports(name) if module.startswith("service.")}
    return found - {name}


def within(name: str, rooms: str | tuple[str, ...]) -> bool:
    """Whether a file is one of these, or in one of these rooms."""
    return any(name == room or name.startswith(f"{room}.") for room in ([rooms] if isinstance(rooms, str) else rooms))


def libraries(name: str) -> set[str]:
    """The packages that a file imports."""
    return {module.partition(".")[0] for module in imports(name)}


# --- The rules, each with its sentence --------------------------------------------------------------------------------


def sql_outside_the_store() -> Iterator[str]:
    """Only `store` says SQL."""
    for name in files():
        if not within(name, "store") and libraries(name) & SQL_LIBRARIES:
            yield f"{name} imports {libraries(name) & SQL_LIBRARIES}"


def fates_changed_outside_moderation() -> Iterator[str]:
    """Only `moderation` changes a comment's fate."""
    writers = _store_functions_that_write()
    for name, tree in files().items():
        if within(name, ("store", "moderation")):
            continue
        modules = _store_modules_by_local_name(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                called = f"{modules[node.value.id]}.{node.attr}"
                if called in writers and called not in OWN_WRITES:
                    yield f"{name}:{node.lineno} uses store.{called}, which writes"
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("service.store."):
                taken = {f"{str(node.module).removeprefix('service.store.')}.{alias.name}" for alias in node.names}
                yield from (f"{name} imports store.{called}, which writes" for called in taken & writers)


def requests_outside_the_web_room() -> Iterator[str]:
    """Only `web` knows HTTP requests."""
    for name in files():
        if within(name, HTTP_ROOMS) or not _http_libraries(name):
            continue
        if not within(name, HTTP_CLIENTS):
            yield f"{name} imports {_http_libraries(name)}"
        elif "aiohttp.web" in imports(name):
            yield f"{name} makes requests, and may not take any"


def environment_read_elsewhere() -> Iterator[str]:
    """Only `settings` and `sources` read the environment (and `secret`, for the variables that settings name)."""
    for name, tree in files().items():
        for node in ast.walk(tree):
            read = isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}
            taken = isinstance(node, ast.ImportFrom) and node.module == "os"
            if (read or taken) and not within(name, ENVIRONMENT_READERS):
                yield f"{name} reads the environment: {ast.unparse(node)}"


def impure_triage() -> Iterator[str]:
    """`triage` is pure: no database, no clock, no chance, nothing to wait for."""
    for name, tree in files().items():
        if not within(name, "triage"):
            continue
        ours = {module for module in own_imports(name) if not within(module, ("model", "settings", "text", "triage"))}
        foreign = libraries(name) - {"service"} - (set(sys.stdlib_module_names) - IMPURE) - {"re2", "idna"}
        yield from (f"{name} imports {module}" for module in sorted(ours | foreign))
        yield from (f"{name}: {node.name} waits" for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef))
        asked = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        yield from (f"{name} asks {clock}" for clock in asked if CLOCKS.search(clock))
        asked = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
        yield from (f"{name} imports {clock}" for clock in asked if clock in {"system_clock", "new_id"})


def a_desk_that_asks() -> Iterator[str]:
    """`desk` makes its pages of nouns: it asks no store, and calls no verb."""
    for name in files():
        if within(name, "desk"):
            asked = {module for module in own_imports(name) if within(module, ("store", "moderation"))}
            yield from (f"{name} imports {module}" for module in sorted(asked))


def private_names_of_others() -> Iterator[str]:
    """Nobody reaches into what is private in a library."""
    for name, tree in files().items():
        if name in INSIDES or within(name, "store.migrations"):
            continue
        ours = set().union(*(_names_defined_in(other) for other in {name, *own_imports(name)}))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and _is_private(node.attr) and node.attr not in ours:
                yield f"{name}:{node.lineno} uses {ast.unparse(node)}"
            if isinstance(node, ast.ImportFrom) and not str(node.module).startswith("service"):
                yield from (f"{name} imports {alias.name}" for alias in node.names if _is_private(alias.name))


def imports_upwards() -> Iterator[str]:
    """A file imports from rooms below it, never upwards."""
    for name in files():
        if not name:
            continue
        for module in own_imports(name):
            if _floor(module) > _floor(name):
                yield f"{name} imports {module}, which is above it"


RULES: list[Callable[[], Iterator[str]]] = [
    sql_outside_the_store,
    fates_changed_outside_moderation,
    requests_outside_the_web_room,
    environment_read_elsewhere,
    impure_triage,
    a_desk_that_asks,
    private_names_of_others,
    imports_upwards,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_is_kept(rule: Callable[[], Iterator[str]]) -> None:
    broken = sorted(set(rule()))
    assert not broken, "\n".join([f"Broken: {rule.__doc__}", *broken])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_stands_in_the_house_page(rule: Callable[[], Iterator[str]]) -> None:
    page = " ".join((ROOT / "docs" / "house.md").read_text("utf-8").split())
    assert str(rule.__doc__).rstrip(".") in page


def test_every_room_stands_in_the_house_page() -> None:
    page = (ROOT / "docs" / "house.md").read_text("utf-8")
    named = set(re.findall(r"`(?:service/)?(\w+)(?:\.py|/)?`", page))
    assert {name.partition(".")[0] for name in files()} - {"", "__main__"} - named == set()


def test_what_the_house_page_names_within_a_room_is_there() -> None:
    """`room/file`, or `room/file.name` for something that the file defines."""
    page = (ROOT / "docs" / "house.md").read_text("utf-8")
    rooms = "|".join(path.name for path in HOUSE.iterdir() if path.is_dir())
    named = re.findall(rf"`(?:service/)?((?:{rooms})/\w+)(?:\.(\w+))?`", page)
    assert len(named) > 20
    for file, name in named:
        tree = files().get(file.replace("/", "."))
        assert tree is not None or (HOUSE / file).is_dir(), file
        defined = {getattr(node, "name", None) for node in ast.walk(tree)} if tree else set()
        assert name in {"", "py"} | defined, f"{file}.{name}"


def test_rules_look_at_what_they_say() -> None:
    """A rule that finds no store, no writer or no request would keep nothing."""
    writers = _store_functions_that_write()
    assert {
        "comments.add",
        "comments.count_reply",
        "decisions.add",
        "queue.put",
        "authors.judge",
        "posts.set_open",
    } <= writers
    assert (
        not {"comments.get", "published.thread", "record_pages.page", "queue.page", "posts.get", "api_keys.find"}
        & writers
    )
    assert any(libraries(name) & SQL_LIBRARIES for name in files())
    assert "aiohttp.web" in imports("web.shell")
    assert any(within(name, "triage") for name in files())


def test_every_exception_is_still_needed() -> None:
    assert set(OWN_WRITES) <= _store_functions_that_write()
    assert set(INSIDES) <= set(files())
    assert set(HTTP_CLIENTS) <= {name for name in files() if _http_libraries(name)}


def test_every_floor_has_somebody_on_it() -> None:
    assert [floor for floor in FLOORS if not any(within(name, floor) for name in files())] == []
    assert [name for name in files() if name and not any(within(name, floor) for floor in FLOORS)] == []


def test_no_files_import_each_other() -> None:
    try:
        list(TopologicalSorter({name: own_imports(name) for name in files()}).static_order())
    except CycleError as cycle:
        pytest.fail(f"These files import each other: {' <- '.join(cycle.args[1])}")


def test_every_file_opens_with_a_sentence() -> None:
    """A file opens with a sentence that says what lives here and who calls it."""
    silent = [name for name, tree in files().items() if not _opening(tree)]
    assert silent == []


def test_every_test_file_opens_with_a_sentence() -> None:
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "tests").rglob("*.py"))}
    assert [str(path) for path, tree in trees.items() if not _opening(tree)] == []


def test_no_name_is_vague() -> None:
    words = {name.rpartition(".")[2] for name in files()}
    words |= {node.name for tree in files().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    assert sorted(word for word in words if VAGUE.search(word)) == []


def test_long_files_have_a_reason() -> None:
    lengths = {path.relative_to(HOUSE).as_posix(): len(path.read_text("utf-8").splitlines()) for path in _pages()}
    long = {name for name, lines in lengths.items() if lines > LONG_FILE}
    assert long == set(LONG_FILES), "Split what is new here, or say why it is long; strike out what is short again."


@pytest.mark.parametrize("route", EVERYTHING, ids=lambda route: f"{route.method} {route.path}")
def test_handler_says_its_method_and_path_above_it(route: Route) -> None:
    handler, method, path = route.handler, route.method, route.path
    lines = (HOUSE / f"{handler.__module__.removeprefix('service.').replace('.', '/')}.py").read_text("utf-8")
    said = re.search(rf"^# (\S+) ([^\s?]+)\S*\nasync def {handler.__name__}\(", lines, re.MULTILINE)
    assert said is not None, f"Write `# {method} {path}` above {handler.__name__}"
    assert said.groups() == (method, path)


# --- How they look ----------------------------------------------------------------------------------------------------


def _http_libraries(name: str) -> set[str]:
    """Those of the libraries that speak HTTP which a file imports."""
    return HTTP_LIBRARIES & {found for module in imports(name) for found in (module, module.partition(".")[0])}


def _floor(name: str) -> int:
    return FLOORS.index(max((floor for floor in FLOORS if within(name, floor)), key=len))


def _opening(tree: ast.Module) -> bool:
    first = (ast.get_docstring(tree) or "").partition("\n\n")[0]
    return re.fullmatch(r"[A-Z`].*[.?:]", first, re.DOTALL) is not None


def _pages() -> Iterator[Path]:
    return (path for path in HOUSE.rglob("*.py") if "versions" not in path.parts)


def _store_modules_by_local_name(tree: ast.Module) -> dict[str, str]:
    """How a file calls the modules of the store."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "service.store"
        for alias in node.names
    }


@cache
def _store_functions_that_write() -> frozenset[str]:
    """Functions of the store that insert, update or delete, themselves or through what else is in their file."""
    found = set()
    for name, tree in files().items():
        if not within(name, "store") or name in STORE_MACHINERY:
            continue
        named: dict[str, ast.AST] = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        named |= {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
        writing = {"insert", "update", "delete"}
        while more := {known for known, node in named.items() if _names_in(node) & writing} - writing:
            writing |= more
        found |= {f"{name.removeprefix('store.')}.{known}" for known in writing & set(named)}
    return frozenset(found)


def _is_private(name: str) -> bool:
    """Whether a name begins with an underscore. The names of Python itself (`__doc__`) are not private, but pydantic's
    are; `_replace` is how a named tuple is changed."""
    if name.startswith("__"):
        return "pydantic" in name
    return name.startswith("_") and name != "_replace"


@cache
def _names_defined_in(name: str) -> set[str]:
    """Functions, classes, constants, and what is assigned to an object's own attributes."""
    nodes = list(ast.walk(files()[name]))
    found = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    for node in nodes:
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            for part in ast.walk(target) if target is not None else ():
                found |= {part.id} if isinstance(part, ast.Name) else set()
                found |= {part.attr} if isinstance(part, ast.Attribute) else set()
    return found


def _names_in(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
