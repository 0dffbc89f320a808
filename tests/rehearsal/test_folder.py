from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pressrun.errors import UsageError
from pressrun.rehearsal.folder import make_folder

_KILLED = """
import os, sys
from pathlib import Path
from pressrun.rehearsal.folder import make_folder
with make_folder(Path(sys.argv[1]), None) as folder:
    (folder / "pressrun.db").touch()
    os.kill(os.getpid(), 9)
"""


def test_it_is_private_and_gone_at_the_end(tmp_path: Path) -> None:
    with make_folder(tmp_path / "state", None) as folder:
        (folder / "messages").touch()
        assert folder.stat().st_mode & 0o077 == 0
    assert list((tmp_path / "state").iterdir()) == []


def test_it_is_gone_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), make_folder(tmp_path, None) as folder:
        (folder / "messages").touch()
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_to_keep_stays(tmp_path: Path) -> None:
    with make_folder(tmp_path / "state", tmp_path / "above" / "kept") as folder:
        (folder / "messages").touch()
    assert folder == tmp_path / "above" / "kept"
    assert (folder / "messages").exists()
    assert folder.stat().st_mode & 0o077 == 0
    assert not (tmp_path / "state").exists()


def test_a_folder_to_keep_with_something_in_it_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(UsageError, match="not empty"), make_folder(tmp_path, tmp_path):
        pass
    assert (tmp_path / "mine").exists()


def test_what_a_killed_rehearsal_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-B", "-c", _KILLED, str(tmp_path)], timeout=60, check=False)
    (left,) = tmp_path.iterdir()
    assert (left / "pressrun.db").exists()
    with make_folder(tmp_path, None) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_a_rehearsal_that_still_runs_keeps_its_folder(tmp_path: Path) -> None:
    with make_folder(tmp_path, None) as first, make_folder(tmp_path, None) as second:
        assert {first, second} == set(tmp_path.iterdir())
