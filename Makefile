# Everything here needs python3 (3.11 or newer) with venv and pip, git, and nothing else.
#
#   make demo    run the penguins pipeline in the root pivot.yaml and print its metrics
#   make check   all that CI runs: format, lint, types, import contract, tests
#   make test    the tests, in parallel, with the coverage gate
#   make differential  all comparisons with DVC (`make test` runs a sample)
#   make faults  kills and faults of remotes, many times over (`make test` runs a sample)
#   make bench   the benchmarks
#   make docs    the documentation as a site, in .cache/site
#   make clean   remove what tools left behind; `make distclean` also the environments

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
# one more than there are cores: many tests wait for the processes they start
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SUPPORTED := import pip, sys; sys.exit(sys.version_info < (3, 11))

# Differential tests ask DVC itself. It lives in an environment of its own, because its
# dependencies are pinned tightly, and is made only where such tests are.
DVC_VERSION := 3.67.1
DVC_VENV := .cache/dvc-$(DVC_VERSION)-s3
ifneq ($(wildcard tests/differential/test_*.py),)
DVC_READY := $(DVC_VENV)/.ready
export PIVOT_TEST_DVC := $(CURDIR)/$(DVC_VENV)/bin/dvc
endif

# Plots are looked at in a real browser. Where none can be had the reason is kept, and the test
# that needs one is skipped with it.
BROWSER := .cache/browser
ifneq ($(wildcard tests/functional/test_plots_page.py),)
BROWSER_READY := $(BROWSER)/.ready
export PIVOT_TEST_BROWSER := $(CURDIR)/$(BROWSER)
endif

# Remotes are held against real servers, as far as they can be had.
SERVERS := .cache/servers
export PIVOT_TEST_SFTP_SERVER := $(CURDIR)/$(SERVERS)/sftp-server
export PIVOT_TEST_AZURITE := $(CURDIR)/$(SERVERS)/azurite-blob

# The stamp holds the folder it was made for: console scripts and editable installs name it, so an
# environment that moved, or whose interpreter vanished, is made anew.
ifneq ($(wildcard $(VENV)/.made),)
ifneq ($(shell cat $(VENV)/.made; $(BIN)/python -c '$(SUPPORTED)' 2>&1 || echo broken),$(CURDIR))
$(VENV)/.made: anew
endif
endif
.PHONY: anew
anew:

.PHONY: help
help:
	@sed -n 's/^#   //p' Makefile

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3' >&2; exit 1; }
	@[ ! -e $@ ] || rm -rf $(VENV)
	@$(BIN)/python -c '$(SUPPORTED)' 2>/dev/null \
	  || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV); }
	@echo '$(CURDIR)' > $@

$(VENV)/.examples: $(VENV)/.made pyproject.toml
	@echo 'installing Pivot and what its examples need'
	@$(PIP) install --editable '.[examples]'
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml
	@echo 'installing Pivot and what its examples and tests need'
	@$(PIP) install --editable '.[dev,examples,plots,tables,tui]'
	@touch $(VENV)/.examples $@

$(VENV)/.docs: $(VENV)/.made pyproject.toml
	@$(PIP) install --editable '.[docs]'
	@touch $@

$(DVC_VENV)/.ready:
	@echo 'installing DVC $(DVC_VERSION) with its S3 remotes, to compare with'
	@rm -rf $(DVC_VENV)
	@mkdir -p .cache
	@$(PYTHON) -m venv $(DVC_VENV)
	@$(DVC_VENV)/bin/python -m pip --disable-pip-version-check --quiet install 'dvc[s3]==$(DVC_VERSION)'
	@touch $@

$(BROWSER)/.ready: tests/functional/install_browser.sh
	@echo 'looking for a browser, to look at plots with'
	@sh $< $(BROWSER)
	@touch $@

$(SERVERS)/.ready: tests/install_servers.sh
	@sh $< $(SERVERS)
	@touch $@

$(SERVERS)/.azurite: tests/install_servers.sh
	@sh $< $(SERVERS) azurite
	@touch $@

.PHONY: demo
demo: $(VENV)/.examples
	@PATH="$(CURDIR)/$(BIN):$$PATH" pivot repro
	@$(BIN)/python examples/metrics_table.py examples/penguins/metrics.json

.PHONY: test
test: $(VENV)/.dev $(DVC_READY) $(BROWSER_READY) $(SERVERS)/.ready
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal --cov --cov-report term:skip-covered

.PHONY: differential
differential: $(VENV)/.dev $(DVC_READY)
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal -m '' tests/differential

.PHONY: faults
faults: $(VENV)/.dev $(SERVERS)/.ready $(SERVERS)/.azurite
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal -m '' \
	  tests/contract/test_store_remotes.py tests/contract/test_store_faults.py \
	  tests/contract/test_store_cloud.py \
	  tests/functional/test_sharing.py tests/functional/test_sharing_faults.py

.PHONY: lint
lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: check
check: lint
	@$(MAKE) --no-print-directory test

.PHONY: format
format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(VENV)/.dev $(DVC_READY)
	$(BIN)/python -m benchmarks

.PHONY: docs
docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict

.PHONY: clean
clean:
	rm -rf build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache
	rm -rf .hypothesis .import_linter_cache .cache/site
	find . \( -path ./$(VENV) -o -path ./.cache -o -path ./.git \) -prune \
	  -o -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean
	rm -rf $(VENV) .cache
