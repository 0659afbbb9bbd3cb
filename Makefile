# Two commands do everything on a fresh machine that has python3 (3.11 or newer), make and a package index:
#   make demo        the whole product on this machine, loopback only, nothing left behind
#   make check-all   Black, Pylint, MyPy, import-linter and every test
# Everything is installed below this folder (.tools, .venv); remove it with `make clean`.

SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.12 python3.13 python3 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
DURATION ?=
DEMO_ARGS ?=
PYTEST_ARGS ?= -n auto

POETRY := .tools/bin/poetry
BIN := .venv/bin
SOURCES := consent agent server packaging/demo.py

# Poetry in quiet mode does not even say why it failed, so a failure is repeated aloud.
# Poetry asks an index API that not every mirror serves; its plugin uses the simple API of the index that pip uses.
export POETRY_PYPI_MIRROR_URL ?= $(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null || \
	$(PYTHON) -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)')
export POETRY_VIRTUALENVS_IN_PROJECT := true
export POETRY_NO_INTERACTION := 1
# Every program that the tests start would compile its libraries anew, each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo check-all axe poetry-download poetry-install-deps poetry-lock test test-fast e2e black_check black pylint mypy \
	lint-imports benchmark docker-build docker-run clean

help: ## this list
	@sed -n 's/^\([a-z_-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 22

demo: .venv/.runtime ## the main job on this machine; DURATION=30 ends by itself
	@$(BIN)/python packaging/demo.py $(if $(DURATION),--duration $(DURATION)) $(DEMO_ARGS)

check-all: black_check pylint mypy lint-imports test ## every check and every test

poetry-download: .tools/.poetry ## Poetry in a private environment

poetry-install-deps: .venv/.development ## the locked dependencies, the development tools included

poetry-lock: .tools/.poetry ## resolve pyproject.toml again into poetry.lock
	$(POETRY) lock

.tools/.poetry:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv was found. Install one, or run: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check 'poetry>=2.1,<3' poetry-plugin-pypi-mirror
	@touch $@

.venv/bin/python: .tools/.poetry
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.runtime: .venv/bin/python pyproject.toml poetry.lock
	@echo "Installing what the program needs, once (about half a minute) ..."
	@$(POETRY) install --quiet --only main --extras server || $(POETRY) install --only main --extras server
	@touch $@

.venv/.development: .venv/bin/python pyproject.toml poetry.lock
	@echo "Installing what the program and its checks need, once (about a minute) ..."
	@$(POETRY) install --quiet --all-extras || $(POETRY) install --all-extras
	@touch .venv/.runtime $@

axe: tests/e2e/axe/node_modules ## axe-core for the accessibility tests, by npm

# npm is no requirement: without it those tests are skipped and say so.
tests/e2e/axe/node_modules: tests/e2e/axe/package-lock.json
	@if command -v npm >/dev/null 2>&1; then npm ci --silent --no-audit --no-fund --prefix tests/e2e/axe && touch $@; \
	else echo "npm is not installed: the accessibility tests will be skipped"; fi

test: .venv/.development axe ## every test (browser tests need Debian's chromium, one test needs strace)
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)

test-fast: .venv/.development ## the tests that start no browser and no real processes
	$(BIN)/python -m pytest -q -m "not e2e" $(PYTEST_ARGS)

e2e: .venv/.development axe ## the tests with real processes and a real browser; screenshots in screenshots/
	$(BIN)/python -m pytest -q -m e2e $(PYTEST_ARGS)

black_check: .venv/.development ## formatting
	$(BIN)/black --check --quiet $(SOURCES) tests || { $(BIN)/black --check $(SOURCES) tests; exit 1; }

black: .venv/.development ## format in place
	$(BIN)/black $(SOURCES) tests

# In tests a fixture has the name of what it gives and may be asked for its effect only, a test's name is its docstring,
# and `== []` says more than `not`.
pylint: .venv/.development ## lint
	$(BIN)/pylint --score=n $(SOURCES)
	$(BIN)/pylint --score=n --disable=redefined-outer-name,unused-argument,use-implicit-booleaness-not-comparison,missing-function-docstring,missing-class-docstring,protected-access,too-many-lines,too-few-public-methods,too-many-locals,too-many-arguments,too-many-positional-arguments tests

mypy: .venv/.development ## types, strict
	$(BIN)/mypy

lint-imports: .venv/.development ## imports point one way
	$(BIN)/lint-imports --no-cache

benchmark: .venv/.development ## measure; no pass or fail on time; report in reports/
	$(BIN)/python -m tests.benchmarks

docker-build: ## the server's image
	docker build -f packaging/Dockerfile -t sys-metric-pipeline .

docker-run: ## the server's image with a volume, on loopback
	docker compose -f packaging/compose.yaml up

clean: ## remove what these targets installed and made
	rm -rf .tools .venv .mypy_cache .pytest_cache .hypothesis .import_linter_cache dist screenshots reports
