"""WordPress as Debian packages it, on PHP's own web server and a MariaDB of its own, with the plugin of the manual."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.real import programs
from tests.real.blog import block

SOURCE = Path("/usr/share/wordpress")
INSTALL = "apt-get install wordpress php-cli php-mysql mariadb-server nginx-light"

# PHP's server hands a request to this file; WordPress answers what is no file.
ROUTER = """<?php
$path = __DIR__ . parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (is_file($path)) return false;
if (is_file("$path/index.php") && $path !== __DIR__ . '/') return false;
require __DIR__ . '/index.php';
"""

PEOPLE = """<?php
define('WP_INSTALLING', true);
function wp_new_blog_notification() {}
require __DIR__ . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('A blog', 'root', 'root@blog.example', true, '', 'root-password');
update_option('permalink_structure', getenv('PERMALINKS'));
foreach ([['ada', 'subscriber'], ['mo', 'editor'], ['chief', 'comment_chief']] as [$name, $role]) {
    if ($role === 'comment_chief') add_role($role, 'Comment chief', ['read' => true, 'moderate_comments' => true]);
    wp_insert_user(['user_login' => $name, 'user_pass' => "$name-password", 'user_email' => "$name@blog.example",
        'role' => $role]);
}
$ada = get_user_by('login', 'ada')->ID;
wp_update_user(['ID' => $ada, 'display_name' => 'Tom & Jerry', 'description' => 'R&D, "quoted"',
    'user_url' => 'https://ada.example/?a=1&b=2']);
"""


@asynccontextmanager
async def wordpress(folder: Path, public: str, *, permalinks: str) -> AsyncIterator[str]:
    """A WordPress that readers find at `public`, with four people; the address at which its own server listens.

    `ada` is a subscriber with an ampersand in everything, `mo` an editor, `chief` has a role of the blog's own that may
    moderate comments; each one's password is their name and `-password`.
    """
    root = folder / "wordpress"
    shutil.copytree(SOURCE, root)
    (root / "wp-config.php").unlink(missing_ok=True)
    (root / "router.php").write_text(ROUTER)
    (root / "people.php").write_text(PEOPLE)
    plugins = root / "wp-content" / "mu-plugins"
    plugins.mkdir(exist_ok=True)
    (plugins / "gatepost.php").write_text(block("session.md", "php", holding="rest_api_init"))
    async with _database(folder) as socket:
        (root / "wp-config.php").write_text(_configuration(socket, public))
        await programs.finish("php", "people.php", folder=root, environment={"PERMALINKS": permalinks})
        port = programs.free_port()
        command = ("php", "-S", f"127.0.0.1:{port}", "-t", str(root), "router.php")
        async with programs.running(*command, folder=root, ready=port, environment={"PHP_CLI_SERVER_WORKERS": "4"}):
            yield f"http://127.0.0.1:{port}"


async def log_in(session: aiohttp.ClientSession, public: str, name: str) -> None:
    """Fill in WordPress's own form; its cookies are in `session` then."""
    session.cookie_jar.update_cookies({"wordpress_test_cookie": "WP Cookie check"})
    form = {"log": name, "pwd": f"{name}-password", "redirect_to": f"{public}/?p=1", "testcookie": "1"}
    async with session.post(f"{public}/wp-login.php", data=form, allow_redirects=False) as reply:
        assert reply.status == 302, await reply.text()


@asynccontextmanager
async def _database(folder: Path) -> AsyncIterator[Path]:
    files, socket = folder / "mariadb", folder / "mariadb.sock"
    await programs.finish(
        "mariadb-install-db",
        "--no-defaults",
        f"--datadir={files}",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        folder=folder,
    )
    command = (
        "mariadbd",
        "--no-defaults",
        f"--datadir={files}",
        f"--socket={socket}",
        "--skip-networking",
        "--user=root",
    )
    async with programs.running(*command, f"--pid-file={folder}/mariadb.pid", folder=folder, ready=socket):
        await programs.finish(
            "mariadb", "--no-defaults", f"--socket={socket}", "-u", "root", "-e", "CREATE DATABASE blog", folder=folder
        )
        yield socket


def _configuration(socket: Path, public: str) -> str:
    settings = {
        "DB_NAME": "blog",
        "DB_USER": "root",
        "DB_PASSWORD": "",
        "DB_HOST": f"localhost:{socket}",
        "DB_CHARSET": "utf8mb4",
        "DB_COLLATE": "",
        "WP_HOME": public,
        "WP_SITEURL": public,
        "DISABLE_WP_CRON": True,
        "WP_HTTP_BLOCK_EXTERNAL": True,
        "AUTOMATIC_UPDATER_DISABLED": True,
    }
    for name in ("AUTH_KEY", "SECURE_AUTH_KEY", "LOGGED_IN_KEY", "NONCE_KEY"):
        settings[name] = f"{name} of a blog that lives for one test"
        settings[name.replace("KEY", "SALT")] = f"the salt for {name}"
    lines = [f"define({json.dumps(name)}, {json.dumps(value)});" for name, value in settings.items()]
    return "\n".join(
        [
            "<?php",
            *lines,
            "$table_prefix = 'wp_';",
            "define('ABSPATH', __DIR__ . '/');",
            "require ABSPATH . 'wp-settings.php';",
        ]
    )
