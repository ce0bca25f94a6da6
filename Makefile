# `make demo` and `make test` need nothing but Python 3.11+ and make; each makes the environment that it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# PyPI's Linux build of PyTorch brings gigabytes of CUDA along. Without an NVIDIA driver a CPU build is taken: from the
# package indexes that pip is configured with, else from PyTorch's own.
TORCH := torch==2.13.0
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu

.PHONY: demo test check lint docs format benchmark clean

demo: $(VENV)/.demo
	$(BIN)/langchain-qdrant-async demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest

check: lint test

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev
	$(BIN)/python docs/house.py
	$(BIN)/python -m pytest tests/unit/test_docs.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: $(VENV)/.dev
	$(BIN)/python -m tests.benchmark

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.torch: | $(VENV)/bin/python
	@if [ "$$(uname -s)" != Linux ] || command -v nvidia-smi >/dev/null 2>&1; then \
	  $(PIP) install '$(TORCH)'; \
	else \
	  $(PIP) install -q '$(TORCH)+cpu' 2>/dev/null \
	  || $(PIP) install --index-url $(TORCH_CPU_INDEX) '$(TORCH)' \
	  || $(PIP) install '$(TORCH)'; \
	fi
	@touch $@

$(VENV)/.demo: pyproject.toml | $(VENV)/.torch
	$(PIP) install -q -e '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.torch
	$(PIP) install -q -e '.[dev]'
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache
