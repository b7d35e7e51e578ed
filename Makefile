# Every command sets up what it needs: a Python environment with exactly the packages of requirements.lock.

PYTHON ?= python3
PYTHON312 ?= python3.12
ARGS ?=
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder
UV ?= uv

VENV := .venv
VENV312 := .venv312
BIN := $(VENV)/bin
STAMP := .set-up
MESA35_TESTS := tests/mesa_api $(wildcard tests/checkpoints tests/study/test_run.py)
SMOKE := run world=north_south workers.count=500 requesters.count=20 time.days=2 time.warmup_days=0

.DEFAULT_GOAL := help
.PHONY: help run claims test test-nightly test-mesa35 test-slurm docs lint bench lock clean

help: ## show this list
	@grep -E '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/^([a-z0-9-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-13s %s\n", $$1, $$2}'

run: $(VENV)/$(STAMP) ## simulate the market; make run ARGS="world=six_regions seed=7"
	$(BIN)/clickmarket run $(ARGS)

claims: $(VENV)/$(STAMP) ## put the claims to the test; make claims ARGS="size=medium"
	$(BIN)/python -m experiments $(ARGS)

test: $(VENV)/$(STAMP) ## run the tests of every commit and every merge
	$(BIN)/python -m pytest -m "not nightly" $(PYTEST_ARGS)

test-nightly: $(VENV)/$(STAMP) ## run the long tests
	$(BIN)/python -m pytest -m nightly $(PYTEST_ARGS)

test-mesa35: $(VENV312)/$(STAMP) ## run the tests of Mesa's side on Mesa 3.5; PYTHON312 is a Python 3.12 or 3.13
	$(VENV312)/bin/python -c 'import mesa; print("Mesa", mesa.__version__); assert mesa.__version__.startswith("3.5")'
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(VENV312)/bin/clickmarket $(SMOKE) results.dir="$$folder"
	$(VENV312)/bin/python -m pytest -m "not nightly" $(PYTEST_ARGS) $(MESA35_TESTS)

test-slurm: $(VENV)/$(STAMP) ## play a sweep on a real Slurm on this machine; as root, with the packages of slurm and munge
	@for program in munged slurmctld slurmd sbatch; do command -v $$program >/dev/null || { \
	  echo "$$program is missing (Debian, Ubuntu: apt-get install slurmctld slurmd slurm-client munge)" >&2; exit 1; }; done
	$(BIN)/python -m pytest -m nightly tests/study/test_slurm.py

docs: $(VENV)/$(STAMP) ## build the documentation into build/docs, tutorials run; any warning ends it
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -d build/doctrees docs build/docs
	@echo "Open build/docs/index.html"

lint: $(VENV)/$(STAMP) ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/$(STAMP) ## measure speed against the twins; writes results/bench.json
	$(BIN)/python -m benchmarks $(ARGS)

lock: ## resolve the packages anew into requirements.lock (needs uv)
	$(UV) pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --upgrade --output-file requirements.lock

clean: ## remove environments and caches; results stay
	rm -rf $(VENV) $(VENV312) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find benchmarks conf docs experiments scripts sim tests -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# $(call set_up,PYTHON,FOLDER): make an environment in FOLDER with the packages of the lock and this project.
define set_up
	@$(1) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "clickmarket needs Python 3.11, 3.12 or 3.13, and $(1) is not one. Name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(1) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(1) cannot make environments: its venv module is incomplete (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@echo "Setting up $(2) from requirements.lock; once, for about a minute."
	@$(1) -m venv $(2)
	@$(2)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check --use-pep517 --require-hashes --only-binary :all: --no-binary antlr4-python3-runtime -r requirements.lock
	@$(2)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(2)/$(STAMP)
endef

$(VENV)/$(STAMP): requirements.lock pyproject.toml
	$(call set_up,$(PYTHON),$(VENV))

$(VENV312)/$(STAMP): requirements.lock pyproject.toml
	$(call set_up,$(PYTHON312),$(VENV312))
