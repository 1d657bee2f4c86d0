# make setup · make demo · make test · make lint · make lock · make clean
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3.11
TORCH := torch==2.13.0
PYTRITON := nvidia-pytriton==0.7.0
PIP := -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --quiet --progress-bar off
DEV := .venv/.stamp
SERVE := .venv-serve/.stamp
A2C := .venv/bin/a2c

.PHONY: help setup demo test lint lock clean

help:
	@echo "make setup   environments .venv and .venv-serve from requirements/*.lock"
	@echo "make demo    the whole life cycle on this machine, ending in a caption and a video"
	@echo "make test    every test, also those against real servers"
	@echo "make lint    ruff, mypy, import contracts"
	@echo "make lock    resolve requirements/*.in anew"
	@echo "make clean   stop the local stack and remove .a2c; the environments stay"

setup: $(DEV) $(SERVE)

# A stamp is newer than its lock exactly when that lock is installed. pip runs without dependency
# resolution: what is in the lock is what is installed, and the guard checks that nothing else moved it.
$(DEV): requirements/dev.lock pyproject.toml requirements/system.sh requirements/guard.py
	@requirements/system.sh "$(PYTHON)"
	@echo "setup: .venv (control, train, dev) from requirements/dev.lock"
	@test -x .venv/bin/python || "$(PYTHON)" -m venv .venv
	@.venv/bin/python $(INSTALL) "$(TORCH)"
	@.venv/bin/python $(INSTALL) --no-deps -r requirements/dev.lock
	@.venv/bin/python $(INSTALL) --no-deps --no-build-isolation --editable .
	@.venv/bin/python requirements/guard.py requirements/dev.lock "$(TORCH)"
	@touch $@

$(SERVE): requirements/serve.lock pyproject.toml requirements/system.sh requirements/guard.py
	@requirements/system.sh "$(PYTHON)"
	@echo "setup: .venv-serve (Triton) from requirements/serve.lock"
	@test -x .venv-serve/bin/python || "$(PYTHON)" -m venv .venv-serve
	@.venv-serve/bin/python $(INSTALL) "$(TORCH)"
	@.venv-serve/bin/python $(INSTALL) --no-deps -r requirements/serve.lock
	@.venv-serve/bin/python $(INSTALL) --no-deps "$(PYTRITON)"
	@.venv-serve/bin/python $(INSTALL) --no-deps --no-build-isolation --editable .
	@.venv-serve/bin/python requirements/guard.py requirements/serve.lock "$(TORCH)" "$(PYTRITON)"
	@touch $@

demo: setup
	@$(A2C) demo

test: setup lint
	@requirements/system.sh "$(PYTHON)" test
	@.venv/bin/python -m pytest tests

lint: $(DEV)
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy -p any2caption
	@.venv/bin/lint-imports

lock: $(DEV)
	@requirements/compile.sh

clean:
	@if test -x $(A2C) && test -e .a2c; then $(A2C) down; fi
	@rm -rf .a2c
