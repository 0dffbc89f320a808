"""The shape that the design promises: what may import what, and what stands in no file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SOURCE = REPOSITORY / "src" / "pressrun"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))
# Running these is the point of them: the command itself, and Alembic's script.
SCRIPTS = {SOURCE / "__main__.py", SOURCE / "store" / "migrations" / "env.py"}
HEAVY = ["prefect", "sqlalchemy", "alembic", "pydantic", "lxml", "rich", "jinja2", "markdown_it", "yaml", "PIL", "mjml"]
_ADDRESS = re.compile(r"[A-Za-z0-9][\w.+-]*@((?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,})\b")
# RFC 2606, RFC 6762: names that belong to nobody, for tests of what is wrong with a name too.
_NOBODYS = re.compile(r"(^|\.)(example\.(com|net|org)|example|test|invalid|localhost|local)$")


def name_of(module: Path) -> str:
    parts = module.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_in(module: Path) -> Iterator[str]:
    """Every module that `module` imports, wherever in it."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def loaded_after(code: str, names: list[str]) -> list[str]:
    """Which of `names` a fresh Python has loaded after `code`."""
    report = f"import sys\n{code}\nprint(*[name for name in {names!r} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, timeout=60, check=True)
    return ended.stdout.split()


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_the_library_never_imports_prefect(module: Path) -> None:
    assert [name for name in imports_in(module) if name.split(".")[0] in ("prefect", "flows")] == []


def test_importing_every_module_loads_no_prefect() -> None:
    names = [name_of(module) for module in MODULES if module not in SCRIPTS]
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    assert loaded_after(code, ["prefect", "sqlalchemy"]) == ["sqlalchemy"]


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import pressrun", [*HEAVY, "typer"]) == []


def test_help_loads_nothing_heavy() -> None:
    code = "import contextlib, io, runpy\nsys.argv = ['pressrun', '--help']\nout = io.StringIO()\n"
    code += "with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):\n    runpy.run_module('pressrun')\n"
    code += "    import pressrun.cli; pressrun.cli.main()\nassert 'check' in out.getvalue()"
    assert loaded_after(code, HEAVY) == []


def test_only_the_command_line_catches_everything() -> None:
    found = []
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            ):
                found.append(name_of(module))
    assert found == ["pressrun.cli"]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_says_what_it_answers_for(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    assert module.stem not in ("utils", "helpers", "manager", "common", "misc")


def test_no_test_mocks() -> None:
    # `from unittest import mock` is caught by its first half.
    assert [file.name for file in TESTS if any(name.startswith("unittest") for name in imports_in(file))] == []


def test_addresses_in_lists_and_tests_belong_to_nobody() -> None:
    files = [*(REPOSITORY / "subscribers").glob("*"), *TESTS]
    found = {
        f"{file.name}: {match[0]}"
        for file in files
        for match in _ADDRESS.finditer(file.read_text(encoding="utf-8"))
        if not _NOBODYS.search(match[1].lower())
    }
    assert found == set()
