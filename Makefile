# Each target does its own set-up: Python 3.11 or later and make are all that is needed.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
CONSTRAINTS ?= constraints.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUN := $(VENV)/.ready
TEST := $(VENV)/.ready-test

# Prefect's start doubles where compiled files are not kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-marked lint format bench pictures screenshot schemas clean

help:
	@echo 'make demo         the main job on the newest sample issue, delivered to an embedded receiver'
	@echo 'make test         the tests that need nothing but Python'
	@echo 'make test-marked  the tests that need PostgreSQL, Chromium, a Prefect server or a fresh environment'
	@echo 'make lint         ruff and mypy'
	@echo 'make bench        speed, as ratios against peers in the same run'

demo: $(RUN)
	@$(BIN)/pressrun demo

test: $(TEST)
	@$(BIN)/python -m pytest -m "not postgres and not chromium and not postfix and not prefect and not wheel" \
		--cov --cov-report=term-missing:skip-covered $(ARGS)

test-marked: $(TEST)
	@$(BIN)/python -m pytest -m "postgres or chromium or postfix or prefect or wheel" $(ARGS)

lint: $(TEST)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: $(TEST)
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(TEST)
	@$(BIN)/python -m benchmarks

pictures: $(TEST)
	@$(PIP) install -e '.[draw]' -c $(CONSTRAINTS)
	@$(BIN)/python issues/draw.py

screenshot: $(RUN)
	@$(BIN)/python docs/screenshot.py

schemas: $(RUN)
	@for kind in issue article publication; do $(BIN)/pressrun schema $$kind > issues/.schema/$$kind.json; done

clean:
	rm -rf $(VENV) .pressrun build dist .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or later is needed: make PYTHON=/path/to/python3.11 …' >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo 'Python lacks its venv module (Debian: apt install python3-venv)' >&2; exit 2; }

$(RUN): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo 'Setting up $(VENV) …'
	@$(PIP) install -e . -c $(CONSTRAINTS)
	@touch $@

$(TEST): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo 'Setting up $(VENV) for the tests …'
	@$(PIP) install -e '.[test]' -c $(CONSTRAINTS)
	@touch $@ $(RUN)
