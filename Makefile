# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(wildcard kernel/*) $(shell find pyscale -name '*.py' -o -name '*.gz') pyproject.toml setup.py

.PHONY: demo test test-debug lint docs bench dist clean

# A fresh environment, the package with what the command line needs, and the main job.
demo:
	rm -rf .venv-demo build/lib* build/bdist*
	$(PYTHON) -m venv .venv-demo
	.venv-demo/bin/python -m pip install --quiet --upgrade pip
	.venv-demo/bin/python -m pip install --quiet ".[all]"
	.venv-demo/bin/pyscale compare web-and-batch --pod-autoscaler hpa --policies ca,karpenter -o demo

# The suite against the installed package, not against the checkout.
test: $(VENV)/installed
	$(BIN)/pytest tests

$(VENV)/pip:
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/installed: $(VENV)/pip $(SOURCES)
	rm -rf build/lib* build/bdist*
	$(BIN)/python -m pip install --quiet --force-reinstall --no-deps .
	$(BIN)/python -m pip install --quiet ".[all]" --group test
	touch $@

# The same suite with bounds checks, overflow checks and asserts compiled in.
test-debug: $(VENV)/installed
	rm -rf build/lib* build/bdist* $(VENV)/installed
	PYSCALE_BUILD=debug $(BIN)/python -m pip install --quiet --force-reinstall --no-deps .
	$(BIN)/pytest tests

lint: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint kernel
	$(BIN)/codespell
	$(BIN)/python tools/check_types.py

docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/python -P -m sphinx -W --keep-going -b html docs docs/_build/html
	$(BIN)/python -P -m sphinx -W -b doctest docs docs/_build/doctest

bench: $(VENV)/installed
	$(BIN)/pyscale bench

dist: $(VENV)/pip
	$(BIN)/python -m pip install --quiet --group lint
	rm -rf build dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

clean:
	rm -rf build dist .venv .venv-demo demo docs/_build *.egg-info kernel/*.so
