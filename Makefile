# Every target sets up what it needs. A fresh machine wants git, make and python3 >= 3.11.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# tests wait more than they compute: twice as many at once as there are cores
JOBS ?= $(shell expr 2 \* $$(nproc))
READY := $(VENV)/.ready
DEV := $(VENV)/.dev

.PHONY: help demo test test-long test-faults test-arm lint format peers bench bench-guard lock schema clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml deploy/requirements.lock tests/setup/venv
	@PYTHON="$(PYTHON)" tests/setup/venv $(VENV) deploy/requirements.lock
	@touch $@

$(DEV): $(READY) tests/requirements.lock
	@PYTHON="$(PYTHON)" tests/setup/venv $(VENV) tests/requirements.lock
	@touch $@

demo: $(READY) ## the whole thing on simulated machines: page, rate, live progress (Ctrl-C ends)
	@$(BIN)/chulian demo $(DEMO)

peers: ## install the servers nobody here wrote: mosquitto, libmodbus, node-opcua, chromium
	@tests/setup/peers

test: $(DEV) peers ## every test but the long ones
	@$(BIN)/python -m pytest -m "not long" -n $(JOBS) --dist loadfile $(PYTEST)

test-long: $(DEV) peers ## the long tests: soaks, outages of a minute, thousands of rounds
	@$(BIN)/python -m pytest -m long $(PYTEST)

test-faults: $(DEV) peers ## every fault one machine can inject, all rounds, one report (as root)
	@tests/setup/faults
	@PYTHONPATH=tests $(BIN)/python -m faults $(FAULTS)

test-arm: $(DEV) peers ## the agent on an emulated ARM (as root); ARCH=armhf for 32 bits
	@tests/setup/arm make $(or $(ARCH),arm64)
	@$(BIN)/python -m tests.benchmarks.gateway_arm $(or $(ARCH),arm64)

lint: $(DEV) ## ruff, mypy, import layers, spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell

format: $(DEV) ## put the code into the one form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

bench: $(DEV) peers ## the path of a value, measured beside bare loops of the same libraries
	@$(BIN)/python -m tests.benchmarks $(BENCH)

bench-guard: $(DEV) ## has a step of a value's path become dearer since its figures landed?
	@$(BIN)/python -m tests.benchmarks.guard $(GUARD)

schema: $(READY) ## write configs/schema/agent.schema.json from the models
	@$(BIN)/chulian schema --lang en > configs/schema/agent.schema.json

lock: $(DEV) ## pin every dependency with its hashes, for all Python versions supported
	@tests/setup/lock

clean: ## remove what the targets made
	@rm -rf $(VENV) .peers .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
