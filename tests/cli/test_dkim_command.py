"""dkim keygen, record and check: what is written, what is printed, and that no key is ever shown."""

from __future__ import annotations

import re
from pathlib import Path

import dkim
import pytest

from command import Ended, run_here
from pressrun.delivery.dkim import read_signing_keys
from signed_message import ask_dkimpy, compose
from small_issue import write_small_issue


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a small publication."""
    write_small_issue(tmp_path)
    return tmp_path


def keygen(workspace: Path, *more: object, domain: str = "spp.example.com") -> Ended:
    return run_here(workspace, "dkim", "keygen", "--domain", domain, *more)


def keys_in(workspace: Path) -> list[str]:
    return sorted(file.name for file in (workspace / ".pressrun" / "dkim").glob("*"))


def records_in(text: str) -> dict[str, str]:
    """Each record in lines of a zone file, its strings put together as a resolver does."""
    lines = re.findall(r"^(\S+)\. 3600 IN TXT \( (.*) \)$", text, re.MULTILINE)
    return {name: "".join(re.findall(r'"([^"]*)"', strings)) for name, strings in lines}


def test_keygen_writes_a_key_and_prints_the_record_that_verifies_what_it_signs(workspace: Path) -> None:
    ended = keygen(workspace, "--algorithm", "both", "--selector", "s1")
    assert (ended.status, ended.err) == (0, "")
    assert keys_in(workspace) == ["s1-ed25519.spp.example.com.pem", "s1.spp.example.com.pem"]
    files = [workspace / ".pressrun" / "dkim" / name for name in reversed(keys_in(workspace))]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    keys = [key for file in files for key in read_signing_keys(file.read_text(), file.name)]
    printed = records_in(ended.out)
    assert printed == {key.name: key.record for key in keys}
    message = compose(keys)
    assert ask_dkimpy(message, keys) == [True, True]
    found = {f"{name}.".encode(): value.encode() for name, value in printed.items()}
    assert dkim.DKIM(message).verify(0, dnsfunc=lambda name, timeout=5: found[name])


def test_keygen_tells_what_a_web_form_asks_for_and_what_comes_next(workspace: Path) -> None:
    out = keygen(workspace, "--algorithm", "ed25519").out
    assert re.search(
        r"^name   pr\d{6}-ed25519\._domainkey\.spp\.example\.com\nvalue  v=DKIM1; k=ed25519; p=\S+$", out, re.MULTILINE
    )
    assert "dig +short TXT pr" in out
    assert "PRIVATE" not in out


def test_a_key_beside_one_that_signs_waits_and_says_how_it_takes_over(workspace: Path) -> None:
    keygen(workspace, "--selector", "s1", "--algorithm", "ed25519")
    ended = keygen(workspace, "--selector", "s2", "--algorithm", "ed25519")
    assert keys_in(workspace) == ["s1.spp.example.com.pem", "s2.spp.example.com.pem.next"]
    source, target = re.findall(r"mv (\S+) (\S+)", ended.out)[0]
    before = run_here(workspace, "dkim", "record").out
    assert (
        "ed25519-sha256, 256 bits, signs\ns1._domainkey" in before and "s2.spp.example.com.pem.next\ns2._do" in before
    )
    Path(source).rename(target)
    after = run_here(workspace, "dkim", "record").out
    assert "no longer signs; a later one does\ns1._domainkey" in after and "signs\ns2._domainkey" in after
    assert records_in(before) == records_in(after)


def test_a_key_can_go_to_a_file_of_its_own_without_a_workspace(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "keys"
    ended = keygen(tmp_path, "--algorithm", "both", "--out", file)
    assert ended.status == 0
    assert len(read_signing_keys(file.read_text(), "file")) == 2
    assert f"PRESSRUN_DKIM_KEYS_FILE={file}" in ended.out
    again = keygen(tmp_path, "--out", file)
    assert (again.status, again.out) == (2, "")
    assert f"{file} is there already" in again.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--domain", "com"), "'com' is no domain"),
        (("--domain", "example.com", "--selector", "a b"), "'a b' is no selector"),
        (("--domain", "example.com", "--algorithm", "dsa"), "dsa"),
        ((), "--domain"),
    ],
)
def test_wrong_usage_is_told_and_nothing_written(workspace: Path, arguments: tuple[str, ...], said: str) -> None:
    ended = run_here(workspace, "dkim", "keygen", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err and len(ended.err.splitlines()) == 1
    assert keys_in(workspace) == []


def test_record_without_keys_says_how_to_make_one(workspace: Path) -> None:
    ended = run_here(workspace, "dkim", "record")
    assert ended.status == 2
    assert "pressrun dkim keygen --domain" in ended.err


def test_check_tells_who_signs_and_ends_with_1_where_nobody_does(workspace: Path) -> None:
    ended = run_here(workspace, "dkim", "check")
    assert ended.status == 1
    sender = re.search(r"^small: (\S+@(\S+)) is signed by no key$", ended.out)
    assert sender
    keygen(workspace, "--selector", "s1", "--algorithm", "both", domain=sender[2])
    signed = run_here(workspace, "dkim", "check", "small")
    assert (signed.status, signed.err) == (0, "")
    assert f"{sender[1]} is signed by s1._domainkey.{sender[2]} (rsa-sha256, 2048 bits) and s1-ed25519." in signed.out


def test_check_warns_where_only_ed25519_signs(workspace: Path) -> None:
    keygen(workspace, "--algorithm", "ed25519", domain="example.com")
    ended = run_here(workspace, "dkim", "check")
    assert ended.status == 0
    assert "add an RSA key" in ended.err


def test_check_of_what_is_no_publication_is_wrong_usage(workspace: Path) -> None:
    ended = run_here(workspace, "dkim", "check", "smal")
    assert (ended.status, ended.out) == (2, "")
    assert "'smal'" in ended.err and "known: small" in ended.err
