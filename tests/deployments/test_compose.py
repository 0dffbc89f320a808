"""deployments/compose.yaml: what it names is there; with the real `docker compose` where that is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from installation import DEPLOYMENTS, ask_prefect, faults_of_pressrun, read_variables, unknown_settings

FILE = DEPLOYMENTS / "compose.yaml"
EXAMPLE = DEPLOYMENTS / "compose.env.example"
OF_OTHERS = {"postgres", "redis"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def _commands(compose: dict[str, Any], program: str) -> dict[str, list[str]]:
    """Each service's command that begins with `program`, variables as their defaults, without the program."""
    filled = {
        name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", service.get("command", "")).split()
        for name, service in compose["services"].items()
    }
    return {name: words[1:] for name, words in filled.items() if words[:1] == [program]}


def test_every_command_of_prefect_can_be_parsed(compose: dict[str, Any]) -> None:
    commands = _commands(compose, "prefect")
    assert set(commands) == {"migrate", "prefect-server", "prefect-services"}
    faults, _ = ask_prefect(tuple(map(tuple, commands.values())))
    assert faults == []


def test_every_command_of_pressrun_is_there(compose: dict[str, Any]) -> None:
    commands = _commands(compose, "pressrun")
    assert set(commands) == {"deploy", "web", "previews"}
    assert [fault for words in commands.values() for fault in faults_of_pressrun(words)] == []


def test_every_script_is_there(compose: dict[str, Any]) -> None:
    scripts = {name: words[0] for name, words in _commands(compose, "sh").items()}
    assert set(scripts) == {"worker", "backup"}
    for script in scripts.values():
        assert (DEPLOYMENTS.parent / script.removeprefix("/workspace/")).is_file()


def test_every_setting_is_one_of_pressrun_or_prefect(compose: dict[str, Any]) -> None:
    services = {name: one for name, one in compose["services"].items() if name not in OF_OTHERS}
    assert unknown_settings(name for one in services.values() for name in one["environment"]) == []


def test_all_parts_of_the_server_share_what_they_are_told(compose: dict[str, Any]) -> None:
    server, services = (compose["services"][name]["environment"] for name in ("prefect-server", "prefect-services"))
    assert {name: value for name, value in server.items() if name != "PREFECT_SERVER_UI_API_URL"} == services
    assert len([name for name, value in services.items() if "prefect_redis." in value]) == 5


def test_the_example_names_every_variable_that_is_asked_for(compose: dict[str, Any]) -> None:
    text = "\n".join(line.partition(" #")[0] for line in FILE.read_text(encoding="utf-8").splitlines())
    asked = set(re.findall(r"\$\{(\w+)", text)) | {"COMPOSE_PROFILES"}
    assert asked == set(read_variables(EXAMPLE))


def test_no_variable_is_asked_for_without_a_default() -> None:
    assert re.findall(r"\$\{\w+\}", FILE.read_text(encoding="utf-8")) == []  # compose would warn, and fill in nothing


def test_what_services_wait_for_runs_beside_them_or_may_be_missing(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, wait in service.get("depends_on", {}).items():
            there = set(service["profiles"]) <= set(services[other]["profiles"])
            assert there or wait["required"] is False, f"{name} waits for {other}"
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in services[other], other


def test_volumes_and_secrets_are_declared(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        named = (volume.partition(":")[0] for volume in service.get("volumes", ()))
        assert {name for name in named if name.isalpha()} <= set(compose["volumes"])


def test_only_the_address_of_the_private_network_is_listened_at(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert len(ports) == 4
    assert [port for port in ports if not port.startswith("${PRIVATE_ADDRESS:-127.0.0.1}:")] == []


def test_images_are_built_from_stages_that_are_there(compose: dict[str, Any]) -> None:
    stages = set(re.findall(r"^FROM .* AS (\w+)$", (DEPLOYMENTS / "Dockerfile").read_text(), re.MULTILINE))
    builds = [service["build"] for service in compose["services"].values() if "build" in service]
    assert {build["target"] for build in builds} == stages - {"base"}
    assert {(FILE.parent / build["context"] / build["dockerfile"]).resolve() for build in builds} == {
        DEPLOYMENTS / "Dockerfile"
    }


def test_docker_compose_takes_it() -> None:
    if not _has_compose():
        pytest.skip("docker compose is not installed")
    command = ["docker", "compose", "--file", str(FILE), "--env-file", str(EXAMPLE), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _has_compose() -> bool:
    if not shutil.which("docker"):
        return False
    return not subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
