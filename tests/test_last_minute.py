import subprocess
import sys
import textwrap
from pathlib import Path

from patience import HUNG, wait_for

_HOLDS_ON = """
    import subprocess, sys, threading, time
    from pressrun.last_minute import end_in_time, note_status

    end_in_time({seconds})
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    threading.Thread(target=time.sleep, args=(600,), name="never-ends").start()
    print(child.pid, flush=True)
    note_status(3)
    sys.exit(3)
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, timeout=HUNG, check=False)


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_process_that_threads_hold_on_to_ends_with_its_status_and_takes_its_children_along() -> None:
    ended = run(_HOLDS_ON.format(seconds=0.2))
    assert ended.returncode == 3
    assert "never-ends did not end within 0.2 s" in ended.stderr
    wait_for(lambda: not is_running(int(ended.stdout)))


def test_a_process_that_ends_by_itself_is_left_alone() -> None:
    ended = run("from pressrun.last_minute import end_in_time\nend_in_time(60)\nprint('done')")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")


def test_nothing_is_ended_while_the_work_goes_on() -> None:
    ended = run("""
        import time
        from pressrun.last_minute import end_in_time
        end_in_time(0.01)
        time.sleep(0.5)
        print("done")
    """)
    assert (ended.returncode, ended.stdout) == (0, "done\n")
