# ChatWorks: everything a developer types. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTERS ?= 2
# What pip says is shown where it fails, and nowhere else.
QUIETLY := f() { "$$@" >$(VENV)/pip.log 2>&1 || { cat $(VENV)/pip.log >&2; exit 1; }; }; f
PIP := $(QUIETLY) $(BIN)/pip install --disable-pip-version-check

.PHONY: help run chat test test-all check format lock bench chaos wheel clean

##@ Use

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp .chatworks/env ## Start the whole product with the MajiPro outlet
	@set -a; . .chatworks/env; set +a; exec $(BIN)/chatworks run

chat: $(VENV)/run.stamp .chatworks/env ## Talk to MajiPro in the terminal
	@set -a; . .chatworks/env; set +a; exec $(BIN)/chatworks chat majipro

##@ Develop

test: $(VENV)/dev.stamp ## Run make check and the tests (under 8 minutes on 2 cores)
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest -n $(TESTERS) -m "not slow"

test-all: $(VENV)/dev.stamp ## Run every test, the slow ones too
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest -n $(TESTERS)

check: $(VENV)/dev.stamp ## Formatting, lint, types, contracts, templates, spelling, sizes
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config pyproject.toml
	@$(BIN)/djlint chatworks --lint --quiet
	@$(BIN)/codespell
	@$(BIN)/pytest -q -p no:xdist -p no:cacheprovider tests/project/test_shape.py

format: $(VENV)/dev.stamp ## Format code and templates
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/djlint chatworks --reformat --quiet || true

lock: $(VENV)/dev.stamp ## Refresh the pinned requirements
	@set -e; for name in run dev peers; do \
		$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
			--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --upgrade \
			--output-file requirements/$$name.txt requirements/$$name.in; done

##@ Measure

bench: $(VENV)/peers.stamp ## Measure turns, inbox, replies; writes build/bench.json
	@$(BIN)/python -m bench

chaos: $(VENV)/dev.stamp ## Kill processes at random under load; writes build/chaos.json
	@$(BIN)/python -m bench.chaos

##@ Build

wheel: $(VENV)/dev.stamp ## Build the wheel into dist/
	@$(BIN)/python -m build --wheel

clean: ## Remove what was built; keeps the database in .chatworks
	rm -rf build dist .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A secret of this machine, for trying things out; in production the environment brings it.
.chatworks/env:
	@mkdir -p .chatworks
	@umask 077; $(PYTHON) -c "import secrets; print('CHATWORKS_SECRET=' + secrets.token_hex(32))" > $@

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what ChatWorks needs (once)…"
	@$(PIP) --require-hashes -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/peers.stamp: requirements/peers.txt $(VENV)/dev.stamp
	@$(PYTHON) -m venv $(VENV)/peers
	@$(QUIETLY) $(VENV)/peers/bin/pip install --disable-pip-version-check --require-hashes -r requirements/peers.txt
	@touch $@
