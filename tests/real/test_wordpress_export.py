"""A real WordPress reads what `gatepost export wordpress` writes, by its own importer.

Debian's package of WordPress has no importer. Where it is wanted, put the plugin's folder
(https://wordpress.org/plugins/wordpress-importer/) beside the other plugins.
"""

import json
from pathlib import Path

from service.store import snapshot
from service.store.database import Database
from service.store.snapshot import Watch
from service.transfer import wordpress_file
from service.transfer.imported import State
from tests.real import programs
from tests.real.wordpress import INSTALL, SOURCE, wordpress
from tests.transfer.bringing import SITE, bring, comment

IMPORTER = SOURCE / "wp-content" / "plugins" / "wordpress-importer" / "wordpress-importer.php"
READ = """<?php
define('WP_LOAD_IMPORTERS', true);
require __DIR__ . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
require_once WP_PLUGIN_DIR . '/wordpress-importer/wordpress-importer.php';
ob_start();
(new WP_Import())->import($argv[1]);
ob_end_clean();
$found = [];
foreach (get_comments(['status' => 'any', 'orderby' => 'comment_ID', 'order' => 'ASC']) as $one) {
    if ($one->comment_author_email !== '') continue; // WordPress' own first comment
    $parent = $one->comment_parent ? get_comment($one->comment_parent)->comment_author : null;
    $found[] = [$one->comment_author, $one->comment_approved, get_post($one->comment_post_ID)->post_title, $parent];
}
echo json_encode($found);
"""


async def test_wordpress_reads_our_export(database: Database, store_url: str, tmp_path: Path) -> None:
    programs.need("php", "mariadbd", "mariadb", str(SOURCE), install=INSTALL)
    programs.need(str(IMPORTER), install="put the plugin wordpress-importer there")
    found = [
        comment(1, author_name="Ada", post_title="First"),
        comment(2, author_name="Mo", parent=1, state=State.PENDING, post_title="First"),
        comment(3, author_name="Eve", state=State.SPAM, post="/two", post_title="Second"),
    ]
    await bring(database, [one._replace(author_id=one.author_name) for one in found])
    export = tmp_path / "export.xml"
    with snapshot.of(store_url) as moment:
        export.write_bytes(b"".join(wordpress_file.lines(moment, SITE, Watch())))
    async with wordpress(tmp_path, "http://127.0.0.1", permalinks=""):
        (tmp_path / "wordpress" / "read.php").write_text(READ)
        said = await programs.finish("php", "read.php", str(export), folder=tmp_path / "wordpress")
    assert json.loads(said) == [
        ["Ada", "1", "First", None],
        ["Mo", "0", "First", "Ada"],
        ["Eve", "spam", "Second", None],
    ]
