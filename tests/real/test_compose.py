"""The image and both compose files in a real Docker Engine: runs `compose.sh`, which says what it needs.

`GATEPOST_REAL_FOLDER` names a folder that keeps the engine and the images' trees for the next run.
"""

import os
import subprocess
from pathlib import Path

import pytest

CANNOT = 77


@pytest.mark.timeout(3600)
def test_both_compose_files_work_in_a_real_engine(tmp_path: Path) -> None:
    folder = os.environ.get("GATEPOST_REAL_FOLDER", str(tmp_path))
    script = Path(__file__).parent / "compose.sh"
    done = subprocess.run([script, folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == CANNOT:
        pytest.skip(done.stdout.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout
