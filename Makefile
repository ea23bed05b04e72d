# `make` lists the targets; `make demo` and `make test` need nothing but Python 3.11+,
# make and the package index.
# Another interpreter: make PYTHON=python3.13 test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= auto
# Set by CI: measure coverage in `make test`, and leave that Python out of `make check`.
COVERAGE ?=
TESTED ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format types layers docs picture browser browser-tools browser-if-there screenshot test-all oldest compiled bench bench-packages real-suites mock-check wheels clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamp is made last, so an interrupted set-up is started again.
$(READY): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: there is no '$(PYTHON)' here; Python 3.11 or newer is needed: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: '$(PYTHON)' is $$($(PYTHON) --version 2>&1), and Python 3.11 or newer is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version) (once)"
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  echo "make: '$(PYTHON) -m venv' failed; on Debian and Ubuntu it needs: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

demo: $(READY) ## run the example suite, its token runs too, and say what to look at
	@$(BIN)/python -m tools.demo

test: $(READY) ## run the tests on this Python, quickly
	$(if $(COVERAGE),$(BIN)/coverage erase && $(BIN)/coverage run,$(BIN)/python) -m pytest -n $(WORKERS) -q

# The tests in a browser are among those of `make test`.
check: lint types layers docs $(if $(TESTED),,browser-if-there) test-all ## what CI runs: all of the below, tests on every Python found

lint: $(READY) ## ruff: style, imports, formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## let ruff put the formatting right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

layers: $(READY) ## imports go one way (import-linter)
	$(BIN)/lint-imports

# Not --quiet: that also hides the warnings which --strict would fail for.
docs: $(READY) ## build the documentation, strictly, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

picture: $(READY) ## draw docs/demo.svg from the demo's output
	$(BIN)/python -m tools.picture

browser: $(READY) ## the HTML report in a real Chromium, which is installed on Debian and Ubuntu
	@$(BIN)/python -m tools.browser
	$(BIN)/python -m pytest -q tests/browser

# What can't be installed is told in a line, and the tests that need it are skipped.
browser-tools: $(READY)
	@$(BIN)/python -m tools.browser || true

browser-if-there: browser-tools
	$(BIN)/python -m pytest -q tests/browser

screenshot: $(READY) ## take docs/report.png and modules.png of HTML reports (needs Chromium)
	$(BIN)/python -m tools.screenshot

test-all: $(READY) ## tests with coverage on every Python found
	TESTED=$(TESTED) $(BIN)/nox --non-interactive

oldest: $(READY) ## the plugin and token runs with the oldest SDK and pytest that are supported
	$(BIN)/nox --non-interactive --session oldest

compiled: $(READY) ## tests against the package with its core compiled, on every Python found
	$(BIN)/nox --non-interactive --session compiled

bench: $(READY) ## the speed table, on every Python found; writes docs/performance.md
	$(BIN)/nox --non-interactive --session bench

bench-packages: $(READY) ## profilers on whole packages' suites (downloads them); writes docs/performance-packages.md
	$(BIN)/python -m benchmarks.packages --all-pythons

real-suites: $(READY) ## run jinja2's and click's own tests with --timestamps (downloads them)
	$(BIN)/python -m tools.real_suites

mock-check: $(READY) ## what reconcile asks, against a mock of the published API (needs npx)
	@$(BIN)/python -m tools.mock_check

# Not among the tools of every day, so not in the stamp.
wheels: $(READY) ## make a release's files in dist/, compiled for every Python found, and try each
	@$(BIN)/python -m pip install --quiet --group release
	@$(BIN)/python -m tools.wheels

clean: ## remove what these targets made, and compiled modules that a build has left
	find pytest_timestamps -name '*.so' -delete
	rm -rf $(VENV) .nox site dist build scratch examples/runs .coverage .coverage.* .mypy_cache .ruff_cache .import_linter_cache .hypothesis
