# ChatWorks: everything a developer types. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTERS ?= 3
SECONDS_EACH ?= 600
TARGET ?= $(shell $(BIN)/python -c "from fuzz.__main__ import NAMES; print(*NAMES)" 2>/dev/null)
# What pip says is shown where it fails, and nowhere else.
QUIETLY := f() { "$$@" >$(VENV)/pip.log 2>&1 || { cat $(VENV)/pip.log >&2; exit 1; }; }; f
PIP := $(QUIETLY) $(BIN)/pip install --disable-pip-version-check

SEMGREP := SEMGREP_SETTINGS_FILE=$(VENV)/scan/settings.yml $(VENV)/scan/bin/semgrep scan --quiet \
	--metrics=off --disable-version-check --jobs 1 --config tools/semgrep/rules.yml

.PHONY: help run chat test test-all check format lock fuzz bench chaos wheel clean

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

check: $(VENV)/dev.stamp $(VENV)/scan.stamp ## Formatting, lint, types, contracts, our own rules, templates, spelling, sizes
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config pyproject.toml
	@$(BIN)/chatworks applet check chatworks/applets
	@$(BIN)/djlint chatworks --lint --quiet
	@$(VENV)/scan/bin/bandit --quiet --recursive --severity-level medium chatworks
	@$(SEMGREP) --error chatworks
	@$(BIN)/codespell
	@$(BIN)/pytest -q -p no:xdist -p no:cacheprovider tests/project/test_shape.py

format: $(VENV)/dev.stamp ## Format code and templates
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/djlint chatworks --reformat --quiet || true

lock: $(VENV)/dev.stamp ## Refresh the pinned requirements
	@set -e; for name in run dev peers scan fuzz; do \
		$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
			--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --upgrade \
			--output-file requirements/$$name.txt requirements/$$name.in; done

##@ Measure

fuzz: $(VENV)/fuzz.stamp ## Feed every parser of strangers' input (SECONDS_EACH, TARGET)
	@set -e; for target in $(TARGET); do $(BIN)/python -m fuzz $$target --seconds $(SECONDS_EACH); done

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

# Both scanners pin much of what we use, so they live apart.
$(VENV)/scan.stamp: requirements/scan.txt | $(VENV)/bin/python
	@$(PYTHON) -m venv $(VENV)/scan
	@$(QUIETLY) $(VENV)/scan/bin/pip install --disable-pip-version-check --require-hashes -r requirements/scan.txt
	@touch $@

$(VENV)/fuzz.stamp: requirements/fuzz.txt $(VENV)/dev.stamp
	@$(PIP) --require-hashes -r requirements/fuzz.txt
	@touch $@

$(VENV)/peers.stamp: requirements/peers.txt $(VENV)/dev.stamp
	@$(PYTHON) -m venv $(VENV)/peers
	@$(QUIETLY) $(VENV)/peers/bin/pip install --disable-pip-version-check --require-hashes -r requirements/peers.txt
	@touch $@
