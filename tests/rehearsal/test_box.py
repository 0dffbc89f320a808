from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pressrun.rehearsal.box import Box, read_box

MESSAGES = st.lists(st.tuples(st.emails() | st.just("林晓@example.com"), st.binary(max_size=300)), max_size=8)


@settings(max_examples=30)
@given(MESSAGES)
def test_what_is_added_is_read_in_order_octet_by_octet(
    tmp_path_factory: pytest.TempPathFactory, messages: list[tuple[str, bytes]]
) -> None:
    file = tmp_path_factory.mktemp("box") / "messages"
    box = Box(file)
    for recipient, content in messages:
        box.add(recipient, content)
    box.close()
    assert [(one.recipient, one.content) for one in read_box(file)] == messages
    assert [one.number for one in read_box(file)] == list(range(1, len(messages) + 1))


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    Box(tmp_path / "messages").close()
    assert (tmp_path / "messages").stat().st_mode & 0o077 == 0


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "messages").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        Box(tmp_path / "messages")
    assert (tmp_path / "messages").read_bytes() == b"mine"


_FILL = """
import sys
from pathlib import Path
from pressrun.rehearsal.box import Box, read_box
file = Path(sys.argv[1])
box = Box(file)
box.add("a@example.com", b"x" * 500)
try:
    box.add("b@example.com", b"y" * 5_000)
except OSError:
    print("full")
box.add("c@example.com", b"z" * 100)
print([(one.recipient, len(one.content)) for one in read_box(file)])
"""


def test_where_the_disk_is_full_nothing_of_the_message_is_kept(tmp_path: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    command = [sys.executable, "-B", "-c", _FILL, str(tmp_path / "messages")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, preexec_fn=limit)
    assert done.stdout.splitlines() == ["full", "[('a@example.com', 500), ('c@example.com', 100)]"]
