"""Keys on disk: where they are looked for, what is refused, where a new one goes, and that nobody else can read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.delivery.dkim_key import Algorithm, SigningKey, keys_for, make_key
from pressrun.delivery.keyring import is_in_use, key_file, signing_keys, waiting_keys, write_keys
from pressrun.errors import UsageError
from pressrun.settings import PREFIX, describe_settings, load_settings
from pressrun.workspace import Workspace

EDWARDS = Algorithm.ED25519_SHA256


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with nothing set."""
    import os

    for name in list(os.environ):
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)
    return open_again(tmp_path)


def open_again(root: Path) -> Workspace:
    return Workspace(root, load_settings(root))


def make(selector: str, domain: str = "example.com") -> SigningKey:
    return make_key(domain, selector, EDWARDS)


def lay_down(workspace: Workspace, key: SigningKey, name: str = "") -> Path:
    file = workspace.dkim_folder / (name or f"{key.selector}.pem")
    write_keys(file, [key])
    return file


def test_without_keys_there_are_none(workspace: Workspace) -> None:
    assert (signing_keys(workspace), waiting_keys(workspace)) == ((), {})


def test_every_pem_in_the_folder_is_read_by_file_name_and_nothing_else(workspace: Workspace) -> None:
    for name in ("b.pem", "a.pem", "c.pem.next", "d.pem.old", "e.txt"):
        lay_down(workspace, make(name[0]), name)
    (workspace.dkim_folder / "folder.pem").mkdir()
    assert [key.selector for key in signing_keys(workspace)] == ["a", "b"]
    assert {file.name: [key.selector for key in keys] for file, keys in waiting_keys(workspace).items()} == {
        "c.pem.next": ["c"]
    }


def test_keys_of_the_setting_come_after_those_of_the_folder(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_down(workspace, make("folder"))
    monkeypatch.setenv("PRESSRUN_DKIM_KEYS", make("set").pem)
    assert [key.selector for key in signing_keys(open_again(tmp_path))] == ["folder", "set"]


def test_keys_come_from_a_file_that_the_environment_names(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_keys(tmp_path / "secret", [make("a"), make("b", "example.org")])
    monkeypatch.setenv("PRESSRUN_DKIM_KEYS_FILE", str(tmp_path / "secret"))
    assert [key.name for key in signing_keys(open_again(tmp_path))] == [
        "a._domainkey.example.com",
        "b._domainkey.example.org",
    ]


def test_the_folder_can_be_named(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "pressrun.toml").write_text(f"dkim_folder = '{tmp_path}/keys'\n")
    with pytest.raises(UsageError, match=r"dkim_folder: there is no folder .*keys"):
        signing_keys(open_again(tmp_path))
    lay_down(open_again(tmp_path), make("a"))
    assert (tmp_path / "keys" / "a.pem").is_file()
    assert [key.selector for key in signing_keys(open_again(tmp_path))] == ["a"]


def test_the_same_key_twice_is_one_and_two_of_one_name_are_refused(workspace: Workspace) -> None:
    key = make("a")
    lay_down(workspace, key, "1.pem")
    lay_down(workspace, key, "2.pem")
    assert signing_keys(workspace) == (key,)
    lay_down(workspace, make("a"), "3.pem")
    with pytest.raises(UsageError, match=r"3\.pem: a\._domainkey\.example\.com names another key too"):
        signing_keys(workspace)


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o620, 0o660, 0o601])
def test_a_key_that_others_can_read_or_change_is_refused(workspace: Workspace, mode: int) -> None:
    lay_down(workspace, make("a")).chmod(mode)
    with pytest.raises(UsageError, match=r"a\.pem: other users .* chmod 600"):
        signing_keys(workspace)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_a_group_may_read(workspace: Workspace, mode: int) -> None:
    lay_down(workspace, make("a")).chmod(mode)
    assert len(signing_keys(workspace)) == 1


def test_a_file_that_holds_no_text_or_no_key_is_named(workspace: Workspace) -> None:
    file = lay_down(workspace, make("a"))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"a\.pem is no text"):
        signing_keys(workspace)
    file.write_bytes(b"")
    with pytest.raises(UsageError, match=r"a\.pem holds no DKIM key"):
        signing_keys(workspace)


def test_a_new_file_is_its_owners_alone_and_never_written_over(workspace: Workspace) -> None:
    file = lay_down(workspace, make("a"))
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    before = file.read_bytes()
    with pytest.raises(UsageError, match=r"a\.pem is there already"):
        write_keys(file, [make("b")])
    assert file.read_bytes() == before


def test_the_first_key_of_its_kind_signs_at_once_and_a_later_one_waits(workspace: Workspace) -> None:
    first, later = make("pr202611"), make("pr202612")
    assert key_file(workspace, first).name == "pr202611.example.com.pem"
    write_keys(key_file(workspace, first), [first])
    rsa = make_key("example.com", "other", Algorithm.RSA_SHA256)
    assert key_file(workspace, rsa).name == "other.example.com.pem"
    waits = key_file(workspace, later)
    assert waits.name == "pr202612.example.com.pem.next"
    write_keys(waits, [later])
    assert keys_for(signing_keys(workspace), "news@example.com") == (first,)
    waits.rename(waits.with_suffix(""))
    keys = signing_keys(workspace)
    assert keys_for(keys, "news@example.com") == (later,)
    assert (is_in_use(first, keys), is_in_use(later, keys)) == (False, True)


def test_a_key_for_a_domain_below_waits_too(workspace: Workspace) -> None:
    lay_down(workspace, make("a"), "a.example.com.pem")
    assert key_file(workspace, make("b", "spp.example.com")).suffix == ".next"
    assert key_file(workspace, make("b", "example.org")).suffix == ".pem"


def test_a_key_that_could_never_take_over_is_refused(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_down(workspace, make("s1"), "s1.example.com.pem")
    with pytest.raises(UsageError, match=r"s1\._domainkey\.example\.com comes after pr202611.*would go on signing"):
        key_file(workspace, make("pr202611"))
    monkeypatch.setenv("PRESSRUN_DKIM_KEYS", make("a", "example.org").pem)
    with pytest.raises(UsageError, match=r"--out"):
        key_file(open_again(tmp_path), make("b", "example.org"))


@pytest.mark.parametrize("name", ["a.example.com.pem", "a.example.com.pem.next"])
def test_a_second_key_of_one_name_is_refused(workspace: Workspace, name: str) -> None:
    lay_down(workspace, make("a"), name)
    with pytest.raises(UsageError, match=r"a key for a\._domainkey\.example\.com already .*--selector ab"):
        key_file(workspace, make("a"))


@pytest.mark.parametrize("note", ["", "# see https://spp.example.com\n", "# smtp://me:word@spp.example.com "])
def test_keys_are_never_shown_among_the_settings(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: str
) -> None:
    monkeypatch.setenv("PRESSRUN_DKIM_KEYS", note + make("a").pem)
    (setting,) = [one for one in describe_settings(tmp_path) if one.name == "dkim_keys"]
    assert (setting.value, setting.origin) == ("********", "PRESSRUN_DKIM_KEYS")
