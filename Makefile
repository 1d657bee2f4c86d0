# make setup · make demo · make test · make test-all · make docs · make lint · make audit · make lock · make hashes · make clean
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3.11
INSTALLS := pyproject.toml $(addprefix requirements/,perception.lock system.sh install.sh guard.py)
WEIGHTS := -m any2caption.perception.install
EDITABLE := -m pip --disable-pip-version-check install --quiet --quiet --no-deps --no-build-isolation --editable .
DEV := .venv/.stamp
SERVE := .venv-serve/.stamp
A2C := .venv/bin/a2c

.PHONY: help setup demo test test-all docs lint audit lock hashes clean

help:
	@echo "make setup   environments .venv and .venv-serve from requirements/*.lock"
	@echo "make demo    the whole life cycle on this machine, ending in a caption and a video"
	@echo "make test    the tests, also those against real servers, but those that are slow"
	@echo "make test-all  every test"
	@echo "make docs    the documentation's pages, in site/"
	@echo "make lint    ruff, mypy, import contracts"
	@echo "make audit   known vulnerabilities of what the locks hold, where the index knows them"
	@echo "make lock    resolve requirements/*.in anew"
	@echo "make hashes  the same, but the versions in the locks stay"
	@echo "make clean   stop the local stack and remove .a2c; the environments stay"

setup: $(DEV) $(SERVE)

# A stamp is newer than its locks exactly when they are installed.
$(DEV): $(addprefix requirements/,build.lock torch.lock dev.lock smol.lock metrics.lock) $(INSTALLS)
	@requirements/system.sh "$(PYTHON)"
	@echo "setup: .venv (control, train, dev, perception, smol, metrics) from requirements/dev.lock, perception.lock, smol.lock, metrics.lock"
	@test -x .venv/bin/python || "$(PYTHON)" -m venv .venv
	@requirements/install.sh .venv/bin/python torch dev perception smol metrics
	@.venv/bin/python $(EDITABLE)
	@.venv/bin/python $(WEIGHTS)
	@touch $@

$(SERVE): $(addprefix requirements/,build.lock torch.lock serve.lock pytriton.lock) $(INSTALLS)
	@requirements/system.sh "$(PYTHON)"
	@echo "setup: .venv-serve (Triton, perception) from requirements/serve.lock, perception.lock"
	@test -x .venv-serve/bin/python || "$(PYTHON)" -m venv .venv-serve
	@requirements/install.sh .venv-serve/bin/python torch serve pytriton perception
	@.venv-serve/bin/python $(EDITABLE)
	@.venv-serve/bin/python $(WEIGHTS)
	@touch $@

demo: setup
	@$(A2C) demo

test: CHOSEN := -m "not slow"
test test-all: setup lint
	@requirements/system.sh "$(PYTHON)" test
	@.venv/bin/python -m pytest tests --numprocesses 2 --dist loadscope --no-loadscope-reorder $(CHOSEN)

docs: $(DEV)
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet
	@echo "docs: site/index.html"

lint: $(DEV)
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy -p any2caption
	@.venv/bin/lint-imports

audit: $(DEV)
	@.venv/bin/python requirements/audit.py

lock: $(DEV)
	@requirements/compile.sh

hashes: $(DEV)
	@requirements/compile.sh --keep

clean:
	@if test -x $(A2C) && test -e .a2c; then $(A2C) down; fi
	@rm -rf .a2c
