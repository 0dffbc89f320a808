"""Settings come from the nearest source that gives them, say where they came from, and never show a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.errors import UsageError
from pressrun.settings import PREFIX, Settings, _shown, describe_settings, load_settings

SECRET = "s3cret-of-the-relay"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine the tests run on."""
    import os

    for name in list(os.environ):
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)


def origin(root: Path, name: str) -> tuple[str, str]:
    """The value of the setting as shown, and where it came from."""
    setting = next(setting for setting in describe_settings(root) if setting.name == name)
    return setting.value, setting.origin


def test_a_setting_comes_from_the_nearest_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert origin(tmp_path, "smtp_url") == ("smtp://127.0.0.1:1025", "default")
    (tmp_path / "pyproject.toml").write_text('[tool.pressrun]\nsmtp_url = "smtp://project.example.com"\n')
    assert origin(tmp_path, "smtp_url") == ("smtp://project.example.com", "pyproject.toml")
    (tmp_path / "pressrun.toml").write_text('smtp_url = "smtp://own.example.com"\n')
    assert origin(tmp_path, "smtp_url") == ("smtp://own.example.com", "pressrun.toml")
    (tmp_path / "secret").write_text("smtp://file.example.com\n")
    monkeypatch.setenv("PRESSRUN_SMTP_URL_FILE", str(tmp_path / "secret"))
    assert origin(tmp_path, "smtp_url") == ("smtp://file.example.com", "PRESSRUN_SMTP_URL_FILE")
    monkeypatch.setenv("PRESSRUN_SMTP_URL", "smtp://environment.example.com")
    assert origin(tmp_path, "smtp_url") == ("smtp://environment.example.com", "PRESSRUN_SMTP_URL")


def test_what_holds_is_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pressrun.toml").write_text("connections = 3\nsmtp_timeout = 5\n")
    monkeypatch.setenv("PRESSRUN_CONNECTIONS", "4")
    settings = load_settings(tmp_path)
    assert (settings.connections, settings.smtp_timeout, settings.lease_seconds) == (4, 5, 30)
    assert origin(tmp_path, "connections") == ("4", "PRESSRUN_CONNECTIONS")
    assert origin(tmp_path, "smtp_timeout") == ("5.0", "pressrun.toml")


def test_an_empty_variable_counts_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pressrun.toml").write_text("connections = 3\n")
    for name in ("CONNECTIONS", "SMTP_URL", "SMTP_URL_FILE", "SECRET_KEY"):
        monkeypatch.setenv(PREFIX + name, "")
    assert origin(tmp_path, "connections") == ("3", "pressrun.toml")
    assert origin(tmp_path, "smtp_url") == ("smtp://127.0.0.1:1025", "default")


def test_a_variable_in_lower_case_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("a-key")
    monkeypatch.setenv("pressrun_connections", "5")
    monkeypatch.setenv("pressrun_secret_key_file", str(tmp_path / "key"))
    assert load_settings(tmp_path).connections == 5
    assert origin(tmp_path, "connections") == ("5", "PRESSRUN_CONNECTIONS")
    assert origin(tmp_path, "secret_key") == ("********", "PRESSRUN_SECRET_KEY_FILE")


def test_only_a_secret_is_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "number").write_text("5")
    monkeypatch.setenv("PRESSRUN_CONNECTIONS_FILE", str(tmp_path / "number"))
    assert origin(tmp_path, "connections") == ("8", "default")


def test_a_variable_that_is_no_setting_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    assert load_settings(tmp_path) == Settings()


def test_a_project_without_the_table_gives_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    assert load_settings(tmp_path) == Settings()


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("pressrun.toml", "conections = 3\n", ["pressrun.toml", "conections", "did you mean connections?"]),
        ("pyproject.toml", "[tool.pressrun]\nmoon = 3\n", ["pyproject.toml", "moon"]),
        ("pressrun.toml", "_env_file = 'x'\n", ["pressrun.toml", "_env_file"]),
        ("pressrun.toml", "connections = 'many'\n", ["pressrun.toml", "connections"]),
        ("pressrun.toml", "connections = 0\n", ["pressrun.toml", "connections"]),
        ("pressrun.toml", "connections = \n", ["pressrun.toml", "line 1"]),
        ("pressrun.toml", "[connections]\na = 1\n", ["pressrun.toml", "connections"]),
        ("pyproject.toml", "[tool]\npressrun = 3\n", ["pyproject.toml", "[tool.pressrun]"]),
    ],
)
def test_a_fault_in_toml_names_file_and_key(file: str, text: str, said: list[str], tmp_path: Path) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(UsageError) as raised:
        load_settings(tmp_path)
    assert all(word in str(raised.value) for word in said), str(raised.value)


def test_a_project_whose_tools_are_no_table_gives_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("tool = 3\n")
    assert load_settings(tmp_path) == Settings()


def test_toml_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "pressrun.toml").write_bytes(b"# \xff\n")
    with pytest.raises(UsageError, match=r"pressrun\.toml"):
        load_settings(tmp_path)


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSRUN_CONNECTIONS", "many")
    with pytest.raises(UsageError, match="PRESSRUN_CONNECTIONS"):
        load_settings(tmp_path)


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSRUN_SMTP_URL_FILE", str(tmp_path / "none"))
    with pytest.raises(UsageError, match=r"PRESSRUN_SMTP_URL_FILE: .*none"):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    "text", [f"smtp_url = ['{SECRET}']", f"smtp_url = {{a = '{SECRET}'}}", f"smtp_url = '{SECRET}' x"]
)
def test_an_error_does_not_show_the_secret(text: str, tmp_path: Path) -> None:
    (tmp_path / "pressrun.toml").write_text(text)
    with pytest.raises(UsageError) as raised:
        load_settings(tmp_path)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("smtp://relay.example.com:587", "smtp://relay.example.com:587"),
        (f"smtp://me:{SECRET}@relay.example.com:587", "smtp://me:********@relay.example.com:587"),
        (f"smtp://me:a@{SECRET}@relay.example.com", "smtp://me:********@relay.example.com"),
        (f"smtp://:{SECRET}@relay.example.com", "smtp://:********@relay.example.com"),
        (f"postgresql://me:{SECRET}@db.example.com/news?ssl=x", "postgresql://me:********@db.example.com/news"),
        (f"postgresql://db.example.com/news?password={SECRET}", "postgresql://db.example.com/news"),
        (f"postgresql://db.example.com/news?password=a@{SECRET}", "postgresql://********"),
        (f"smtp://me:{SECRET}/{SECRET}@relay.example.com", "smtp://********"),
        (f"smtp://me:a?{SECRET}@relay.example.com", "smtp://********"),
        (f"smtp://me:a#{SECRET}@relay.example.com", "smtp://********"),
        (SECRET, "********"),
        ("", ""),
    ],
)
def test_a_secret_is_masked(secret: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSRUN_SMTP_URL", secret or "smtp://127.0.0.1:1025")
    settings = load_settings(tmp_path)
    assert SECRET not in repr(settings)
    if secret:
        assert origin(tmp_path, "smtp_url")[0] == shown


def test_a_webhooks_address_is_masked_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSRUN_NOTIFY_URL", f"https://hooks.example.com/{SECRET}")
    assert origin(tmp_path, "notify_url") == ("********", "PRESSRUN_NOTIFY_URL")


@given(password=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12))
def test_no_password_shows_through(password: str) -> None:
    from pydantic import SecretStr

    shown = _shown(SecretStr(f"smtp://me:{password}_{SECRET}_{password}@relay.example.com"))
    assert SECRET not in shown


def test_every_setting_is_described(tmp_path: Path) -> None:
    settings = describe_settings(tmp_path)
    assert [setting.name for setting in settings] == list(Settings.model_fields)
    assert all(setting.description for setting in settings)
