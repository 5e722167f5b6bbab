# Environments from lock files: .venv (the application), .triton (the embedded server), and for
# the tests .portability (the oldest ONNX Runtime that the models must run in).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# ONNX Runtime reports its use unless told not to.
export ORT_DISABLE_TELEMETRY := 1

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
UV_VERSION := 0.13.9
UV := .uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"

.PHONY: help setup torch demo test check format lock clean

help:  ## Show this help
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(UV):
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 12) else f"Python 3.11 or 3.12 is needed, found {sys.version.split()[0]}; name one with: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.done: requirements/app.txt requirements/dev.txt pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(UV) pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt
	$(UV) pip install --quiet --python .venv/bin/python --no-deps --editable .
	@touch $@

.triton/.done: requirements/triton.txt | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .triton
	$(UV) pip sync --quiet --python .triton/bin/python --require-hashes requirements/triton.txt
	@touch $@

.portability/.done: requirements/portability.txt | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .portability
	$(UV) pip sync --quiet --python .portability/bin/python --require-hashes requirements/portability.txt
	@touch $@

# Whoever has asked for torch keeps it when the lock file changes.
setup: .venv/.done .triton/.done $(wildcard .triton/.torch)  ## Make both environments

.triton/.torch: requirements/torch.in .triton/.done
	.uv/bin/pip --python .triton/bin/python --quiet --disable-pip-version-check install -r $<
	@touch $@

torch: .triton/.torch  ## Add torch to the embedded server, for TorchScript models

demo: setup  ## Make the shipped sample speak; prints where the video is
	@mkdir -p out
	.venv/bin/orchestrator generate --video tests/data/portrait.mp4 --audio tests/data/speech.wav --output out/demo.mp4

test: setup .portability/.done  ## Run the whole test suite
	.venv/bin/pytest

check: setup  ## Lint, format check and strict type check
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: setup  ## Rewrite the code in the project's format
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lock: | $(UV)  ## Renew the lock files from pyproject.toml and requirements/*.in
	$(COMPILE) pyproject.toml --output-file requirements/app.txt
	$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.txt
	$(COMPILE) requirements/triton.in --output-file requirements/triton.txt
	$(COMPILE) requirements/portability.in --output-file requirements/portability.txt

clean:  ## Remove the environments and caches
	rm -rf .venv .triton .portability .uv .mypy_cache .ruff_cache .pytest_cache *.egg-info
