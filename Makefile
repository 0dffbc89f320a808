# Each target does its own set-up: Python 3.11 or later and make are all that is needed.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
CONSTRAINTS ?= constraints.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUN := $(VENV)/.ready
TEST := $(VENV)/.ready-test
PEERS := $(VENV)/bench/.ready
JUDGES := $(VENV)/npm/.ready
# A process for each core; a file's tests stay together, as they share what they set up.
SHARED := -n auto --dist loadfile

# Prefect's start doubles where compiled files are not kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-marked lint format bench torture pictures screenshot operator-screenshots gallery schemas clean

help:
	@echo 'make demo         the main job on the newest sample issue, delivered to an embedded receiver'
	@echo 'make test         the tests that need nothing but Python'
	@echo 'make test-marked  the tests that need PostgreSQL, Chromium, a Prefect server, other judges or a fresh environment'
	@echo 'make lint         ruff and mypy'
	@echo 'make bench        speed, as ratios against peers in the same run'
	@echo 'make torture      the fault plan: kills, lost connections, full disks, held against what was received'
	@echo 'make gallery      every block in every theme, light and dark, on desktop and phone: build/gallery'

demo: $(RUN)
	@$(BIN)/pressrun demo

test: $(TEST)
	@$(BIN)/python -m pytest $(SHARED) -m "not postgres and not chromium and not postfix and not prefect and not wheel and not judged" \
		--cov --cov-report=term-missing:skip-covered $(ARGS)

test-marked: $(TEST) $(JUDGES)
	@$(BIN)/python -m pytest $(SHARED) -m "postgres or chromium or postfix or prefect or wheel or judged" $(ARGS)

lint: $(TEST)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: $(TEST)
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(TEST) $(PEERS)
	@$(BIN)/python -m benchmarks $(ARGS)

torture: $(TEST)
	@PYTHONPATH=tests $(BIN)/python -m torture --out docs/torture.md $(ARGS)

pictures: $(TEST)
	@$(PIP) install -e '.[draw]' -c $(CONSTRAINTS)
	@$(BIN)/python issues/draw.py

screenshot: $(RUN)
	@$(BIN)/python docs/screenshot.py
	@$(BIN)/python docs/preview_picture.py

operator-screenshots: $(TEST)
	@$(BIN)/python docs/screenshots_operator.py

gallery: $(TEST)
	@$(BIN)/python docs/gallery.py

schemas: $(RUN)
	@for kind in issue article publication; do $(BIN)/pressrun schema $$kind > issues/.schema/$$kind.json; done
	@$(BIN)/pressrun schema api > docs/openapi.json

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

# What tests hold pages and mail against; without npm those tests are skipped, and say so.
$(JUDGES): tests/npm/package.json | $(BIN)/python
	@mkdir -p $(@D)
	@if command -v npm >/dev/null; then \
		echo 'Installing npm packages for the tests …'; \
		cp $< $(@D)/package.json && npm install --prefix $(@D) --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error \
			&& touch $@ || echo 'npm could not install them.' >&2; \
	fi

# Peers the benchmarks run against; without them, or npm, those say that they were not measured.
$(PEERS): Makefile | $(BIN)/python
	@mkdir -p $(@D)
	@if command -v npm >/dev/null; then \
		echo 'Installing npm peers for the benchmarks …'; \
		npm install --prefix $(@D) --no-audit --no-fund --ignore-scripts --loglevel=error nodemailer@10.6.0 mjml@5.4.1 \
			&& touch $@ || echo 'npm could not install them.' >&2; \
	fi
