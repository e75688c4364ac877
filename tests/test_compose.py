"""What the Docker files promise, as far as that can be seen without an engine: `tests/real/` has the rest."""

import re
import shutil
import subprocess
import sys
import zipfile
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service import settings
from tests.compose import DOCKERFILE, ONE, ROOT, SCALE, environment_of, image_environment, reaches_the_build, read
from tests.test_packaging import PYPROJECT

DOTENV = "POSTGRES_PASSWORD='secret'"
FILES = {ONE: read(ONE), SCALE: read(SCALE, DOTENV)}
SERVICES = [(file, name) for file, found in FILES.items() for name in found["services"]]
OURS = [(ONE, "gatepost"), (SCALE, "replica-1"), (SCALE, "replica-2"), (SCALE, "move")]
USER = "10001:10001"

# --- The part of the compose specification that we use ----------------------------------------------------------------

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
Duration = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*(ms|s|m|h)$")]
Size = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*[kmg]$")]
Port = Annotated[str, StringConstraints(pattern=r"^127\.0\.0\.1:\d+:\d+$")]
Mount = Annotated[str, StringConstraints(pattern=r"^([a-z]+|\./[\w./-]+):/[\w./-]+(:ro)?$")]


class Part(BaseModel):
    """A mapping with these keys and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


class HealthCheck(Part):
    """`healthcheck`."""

    test: list[str] = Field(min_length=2)
    interval: Duration
    timeout: Duration
    start_period: Duration
    start_interval: Duration


class EnvFile(Part):
    """An entry of `env_file` in its long form."""

    path: str
    required: bool


class MountOptions(Part):
    """`bind` of a mount in its long form."""

    create_host_path: bool


class BindMount(Part):
    """A mount in its long form."""

    type: Literal["bind"]
    source: str
    target: str
    read_only: bool
    bind: MountOptions


class DependsOn(Part):
    """Until when a service waits for another."""

    condition: Literal["service_healthy"]


class Logging(Part):
    """`logging`; the driver's options are all text."""

    driver: Literal["json-file"]
    options: dict[Literal["max-size", "max-file"], str]


class Place(Part):
    """A service's place in a network."""

    ipv4_address: str


class Service(Part):
    """A service."""

    build: Literal["."] | None = None
    image: str
    profiles: list[Name] = []
    restart: Literal["unless-stopped", "no"]
    stop_grace_period: Duration | None = None
    env_file: list[EnvFile] = []
    environment: dict[str, str] = {}
    command: list[str] = []
    ports: list[Port] = []
    volumes: list[Mount | BindMount] = []
    healthcheck: HealthCheck | None = None
    read_only: bool = False
    tmpfs: list[str] = []
    cap_drop: list[Literal["ALL"]] = []
    security_opt: list[Literal["no-new-privileges:true"]] = []
    ulimits: dict[Literal["memlock", "nofile"], int] = {}
    mem_limit: Size
    pids_limit: int
    logging: Logging
    depends_on: dict[Name, DependsOn] = {}
    networks: list[Name] | dict[Name, Place] = []


class Pool(Part):
    """A range of addresses of a network."""

    subnet: str
    gateway: str | None = None
    ip_range: str | None = None


class Addresses(Part):
    """`ipam`."""

    config: list[Pool] = Field(min_length=1, max_length=1)


class Network(Part):
    """A network."""

    ipam: Addresses


class File(Part):
    """A whole file, without its `x-...`."""

    services: dict[Name, Service]
    volumes: dict[Name, None]
    networks: dict[Name, Network]


def parsed(file: str) -> File:
    return File.model_validate({key: value for key, value in FILES[file].items() if not key.startswith("x-")})


@pytest.mark.parametrize("file", FILES)
def test_file_says_only_what_the_specification_knows(file: str) -> None:
    found = parsed(file)
    for service in found.services.values():
        named = {mount.partition(":")[0] for mount in service.volumes if isinstance(mount, str)}
        assert {name for name in named if not name.startswith("./")} <= set(found.volumes)
        assert set(service.networks) <= set(found.networks)
        assert set(service.depends_on) <= set(found.services)


# --- Starting ---------------------------------------------------------------------------------------------------------


def test_plain_up_starts_one_service_or_the_replicas_and_nothing_twice() -> None:
    started = {
        file: [name for name, service in parsed(file).services.items() if not service.profiles] for file in FILES
    }
    assert started == {ONE: ["gatepost"], SCALE: ["replica-1", "replica-2", "postgres", "valkey", "proxy"]}


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_whoever_waits_for_another_waits_until_that_is_healthy(file: str, name: str) -> None:
    services = parsed(file).services
    for other in services[name].depends_on:
        assert services[other].healthcheck is not None or services[other].build is not None, other
    if name == "proxy":
        assert set(services[name].depends_on) == {"replica-1", "replica-2"}


@pytest.mark.parametrize(("file", "name"), [place for place in SERVICES if place not in OURS])
def test_health_is_asked_soon_and_a_long_start_is_no_illness(file: str, name: str) -> None:
    check = parsed(file).services[name].healthcheck
    assert check is not None
    assert check.test[0] == "CMD"
    assert (int(check.start_period[:-1]) >= 30, check.start_interval) == (True, "1s")


def test_postgres_is_asked_over_tcp() -> None:
    check = parsed(SCALE).services["postgres"].healthcheck
    assert check is not None
    assert check.test[1:] == ["pg_isready", "--host", "127.0.0.1", "--username", "gatepost"]


def test_image_is_checked_by_gatepost_health_soon_after_the_start() -> None:
    said = re.search(r"^HEALTHCHECK (.*) CMD (.*)$", DOCKERFILE, re.MULTILINE)
    assert said is not None
    assert said[2] == '["gatepost", "health"]'
    assert {"--start-period=60s", "--start-interval=2s"} <= set(said[1].split())


# --- Bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_no_service_may_take_the_whole_machine(file: str, name: str) -> None:
    service = parsed(file).services[name]  # memory, processes and logging are required there
    assert set(service.logging.options) == {"max-size", "max-file"}
    assert [mount for mount in service.tmpfs if mount.startswith("/tmp") and ":size=" not in mount] == []  # noqa: S108 (a mount in the container)


@pytest.mark.parametrize(("file", "name"), OURS)
def test_gatepost_runs_with_no_more_rights_than_it_needs_and_stops_gently(file: str, name: str) -> None:
    service = parsed(file).services[name]
    assert service.image == f"gatepost:{PYPROJECT['project']['version']}"
    assert (service.read_only, service.cap_drop, service.security_opt) == (True, ["ALL"], ["no-new-privileges:true"])
    server = settings.Server()
    assert int((service.stop_grace_period or "0s")[:-1]) > server.drain_seconds + server.grace_seconds
    (configuration,) = [mount for mount in service.volumes if isinstance(mount, BindMount)]
    assert configuration.target == image_environment()["GATEPOST_CONFIG"]
    assert (configuration.read_only, configuration.bind.create_host_path) == (True, False)


@pytest.mark.parametrize(("file", "name"), OURS)
def test_what_the_files_say_of_gatepost_is_the_same_in_both(file: str, name: str) -> None:
    mine, first = (parsed(place).services[which].model_dump() for place, which in ((file, name), OURS[0]))
    same = {
        "build",
        "image",
        "stop_grace_period",
        "env_file",
        "read_only",
        "tmpfs",
        "mem_limit",
        "pids_limit",
        "logging",
    }
    assert {key: mine[key] for key in same} == {key: first[key] for key in same}


# --- Files and folders ------------------------------------------------------------------------------------------------


def test_image_has_a_user_with_a_number_and_leaves_no_volume_behind() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (.*)$", last, re.MULTILINE) == [USER]
    assert {f"--uid {USER[:5]}", f"--gid {USER[:5]}"} <= set(re.findall(r"--[ug]id \d+", last))
    assert not re.search(r"^VOLUME", last, re.MULTILINE)


def test_volume_of_an_image_that_keeps_nothing_is_in_memory() -> None:
    assert parsed(SCALE).services["valkey"].tmpfs == ["/data"]


def test_image_says_what_it_is() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="(.*?)"', DOCKERFILE))
    project = PYPROJECT["project"]
    assert (labels["version"], labels["licenses"], labels["description"]) == (
        project["version"],
        project["license"],
        project["description"],
    )
    assert labels.keys() >= {"title", "revision", "source"}


def test_dependencies_are_installed_before_there_is_any_code() -> None:
    build = DOCKERFILE.partition("\nFROM python:3.13-slim\n")[0].replace("\\\n", " ")
    dependencies = build.index("install --requirement requirements.txt")
    assert dependencies < build.index("COPY service")
    assert "--no-deps" in build[build.index("COPY service") :]
    assert "hatchling" in (ROOT / "constraints.txt").read_text()


STRAY = [
    ".env",
    ".env.local",
    "prod.env",
    "stray.pem",
    "tls.key",
    "old.db",
    "old.db-wal",
    "old.db.lock",
    "gatepost.toml",
]


@pytest.mark.parametrize("name", STRAY)
def test_stray_file_does_not_reach_the_build(name: str) -> None:
    for path in (name, f"service/{name}", f"service/web/static/{name}"):
        assert not reaches_the_build(path), path


@pytest.mark.parametrize("path", ["pyproject.toml", "service/cli.py", "service/web/routes.py", "service/py.typed"])
def test_what_is_needed_reaches_the_build(path: str) -> None:
    assert reaches_the_build(path)


def test_other_things_do_not_reach_the_build() -> None:
    for path in (".git/config", "tests/harness.py", "gatepost.db", "docs/demo.png", "service/__pycache__/cli.pyc"):
        assert not reaches_the_build(path), path


@pytest.mark.slow
def test_stray_file_is_not_in_the_wheel(tmp_path: Path) -> None:
    """As the image builds it: hatchling, without Git, which would leave out some of them."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "service", source / "service", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in STRAY:
        (source / "service" / name).write_text("secret")
        (source / "service" / "demo" / "static" / name).write_text("secret")
    words = [
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        "wheels",
        ".",
    ]
    subprocess.run([sys.executable, *words], cwd=source, check=True)
    (wheel,) = (source / "wheels").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed_names = [Path(name) for name in packed.namelist()]
    assert {path.name for path in packed_names} & set(STRAY) == set()
    code = [path for path in (ROOT / "service").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.relative_to(ROOT) for path in code} <= set(packed_names)


# --- Addresses --------------------------------------------------------------------------------------------------------


def networks(file: str) -> dict[str, Pool]:
    return {name: network.ipam.config[0] for name, network in parsed(file).networks.items()}


def trusted(file: str, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for variable, text in environment_of(FILES[file]["services"][name]).items():
        monkeypatch.setenv(variable, text)
    return [str(network) for network in settings.parse({}).server.trusted_proxies]


def test_one_service_believes_the_gateway_of_its_network_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = networks(ONE)["default"]
    assert ip_address(str(pool.gateway)) in ip_network(pool.subnet)
    assert trusted(ONE, "gatepost", monkeypatch) == [f"{pool.gateway}/32"]
    assert parsed(ONE).services["gatepost"].networks == []  # the default one


@pytest.mark.parametrize("name", ["replica-1", "replica-2"])
def test_replicas_believe_their_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trusted(SCALE, name, monkeypatch) == [networks(SCALE)["scale"].subnet]


def test_fixed_addresses_are_in_their_network_and_given_to_nobody_else() -> None:
    pool = networks(SCALE)["scale"]
    fixed = [
        ip_address(place.ipv4_address)
        for service in parsed(SCALE).services.values()
        if isinstance(service.networks, dict)
        for place in service.networks.values()
    ]
    assert len(set(fixed)) == len(fixed) == 3
    assert all(place in ip_network(pool.subnet) for place in fixed)
    assert not any(place in ip_network(str(pool.ip_range)) for place in fixed)


def test_the_two_networks_may_be_there_at_once() -> None:
    one, scale = (ip_network(pool.subnet) for file in FILES for pool in networks(file).values())
    assert not one.overlaps(scale)


def test_proxy_knows_the_replicas_by_their_addresses() -> None:
    services = FILES[SCALE]["services"]
    addresses = [services[name]["networks"]["scale"]["ipv4_address"] for name in ("replica-1", "replica-2")]
    rules = (ROOT / "deploy" / "replicas.vcl").read_text()
    asked = re.findall(r'\.host = "(.+)";', rules)
    believed = re.findall(r'^ {4}"(.+)";', rules, flags=re.MULTILINE)
    assert (asked, believed) == (addresses, addresses)


def test_proxy_reads_the_shipped_files() -> None:
    mounts = dict(mount.removesuffix(":ro").split(":") for mount in FILES[SCALE]["services"]["proxy"]["volumes"])
    assert mounts == {
        "./deploy/varnish.vcl": "/etc/varnish/default.vcl",
        "./deploy/replicas.vcl": "/etc/varnish/replicas.vcl",
    }
    assert all((ROOT / name).is_file() for name in mounts)


def test_caddy_of_the_manual_has_an_address_of_its_own_that_is_believed() -> None:
    page = (ROOT / "docs" / "docker.md").read_text()
    examples = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    (example,) = [found for found in examples if "caddy" in found["services"]]
    address = example["services"]["caddy"]["networks"]["default"]["ipv4_address"]
    pool = networks(ONE)["default"]
    assert ip_address(address) in ip_network(pool.subnet)
    assert address != pool.gateway
    assert example["services"]["gatepost"]["environment"] == {"GATEPOST_SERVER__TRUSTED_PROXIES": address}


def test_volume_for_backups_of_the_manual_is_the_users() -> None:
    """A new volume gets the owner of the folder that the image has in its place."""
    page = (ROOT / "docs" / "docker.md").read_text()
    assert "- backups:/backups" in page
    assert re.search(
        r"install --directory --owner=gatepost --group=gatepost --mode=0750 /data /backups$", DOCKERFILE, re.MULTILINE
    )


# --- The environment --------------------------------------------------------------------------------------------------


def test_environment_of_the_image_is_understood_by_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in image_environment().items():
        monkeypatch.setenv(name, value)
    effective = settings.parse({})
    exposed = re.search(r"^EXPOSE (\d+)$", DOCKERFILE, flags=re.MULTILINE)
    assert exposed is not None
    assert (effective.server.host, effective.server.port) == ("0.0.0.0", int(exposed[1]))  # noqa: S104 (the image's own)
    assert effective.database.url == "sqlite:////data/gatepost.db"


def test_database_of_one_service_is_on_its_volume() -> None:
    assert "database:/data" in FILES[ONE]["services"]["gatepost"]["volumes"]


def test_scale_without_a_password_does_not_start() -> None:
    with pytest.raises(ValueError, match="put POSTGRES_PASSWORD into"):
        read(SCALE)


@pytest.mark.parametrize(
    ("secret", "expected"),
    [("", (None, None)), ("PURGE_SECRET=", (None, None)), ("PURGE_SECRET='x y'", ("Purge-Key", "PURGE_SECRET"))],
)
def test_purge_secret_is_one_variable_for_both_sides(
    secret: str, expected: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    dotenv = f"{DOTENV}\n{secret}".strip()
    services = read(SCALE, dotenv)["services"]
    replica, proxy = environment_of(services["replica-1"], dotenv), services["proxy"]["environment"]
    for name, text in replica.items():
        monkeypatch.setenv(name, text)
    purge = settings.parse({}).cache.purge
    assert (purge.secret_header, purge.secret_env) == expected
    assert replica["PURGE_SECRET"] == proxy["PURGE_SECRET"]
