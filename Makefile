# Each target is a thin line; what it does stands in the package or in pyproject.toml.
# PYTHON names the interpreter that makes .venv (3.11 to 3.13); JOBS the parallel test workers.

PYTHON ?= python3
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/.core-installed
FULL := $(VENV)/.full-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test unit lessons docs course lint format types imports docstrings pages bench-coverage bench-features \
  bench-fsdd bench-homework bench-loudness bench-playground bench-stream bench-training playground \
  reliability reliability-quick reliability-full clean

help:
	@echo "make demo     install into .venv, make the demo sounds, run all six steps (a few minutes)"
	@echo "make test     install everything; style, types, imports, tests, lessons, site"
	@echo "make unit     the tests alone"
	@echo "make lessons  run every lesson from a clean kernel (those that have changed)"
	@echo "make docs     the site, lessons included, into docs/_build/html"
	@echo "make playground   a network that learns before your eyes, in the browser"
	@echo "make course   the lessons as notebooks in ./lessons, in JupyterLab"
	@echo "make lint     the checks without the tests"
	@echo "make format   let ruff put the code into its form"
	@echo "make pages    write docs/errors.md, docs/problem.md and docs/siblings.html from the code"
	@echo "make bench-coverage   do the intervals hold what they promise?"
	@echo "make bench-features   features (and loudness) beside librosa, PyTorch, Kaldi; a folder of files"
	@echo "make bench-fsdd       the spoken digits in DDASP_DATA, nested, five seeds"
	@echo "make bench-homework   two hundred submissions graded; killed half-way and resumed"
	@echo "make bench-loudness   loudness and true peak beside pyloudnorm and FFmpeg"
	@echo "make bench-playground   frames and epochs a second in Chromium, ten minutes of memory"
	@echo "make bench-stream     a model that listens: time for each 10 ms, memory over two hours"
	@echo "make bench-training   time per training step beside PyTorch, Keras, JAX, scikit-learn"
	@echo "make reliability  bad input, faults, leakage, statistics: does everything hold? (a quarter of an hour)"
	@echo "make reliability-quick, reliability-full   a part of each row; with the long rows of load"
	@echo "make clean    remove .venv and the caches (no sounds, no runs)"

demo: $(CORE)
	$(BIN)/ddasp demo

test: lint unit lessons docs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m site tests/course

unit: $(FULL)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder \
	  -m "not lesson and not site"

lessons: $(FULL)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist load -m lesson tests/course

docs: $(FULL)
	OMP_NUM_THREADS=1 $(BIN)/python docs/build_site.py

playground: $(FULL)
	$(BIN)/ddasp playground

course: $(FULL)
	$(BIN)/ddasp course lessons

lint: format-check types imports docstrings

.PHONY: format-check
format-check: $(FULL)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(FULL)
	$(BIN)/mypy

imports: $(FULL)
	$(BIN)/lint-imports

docstrings: $(FULL)
	$(BIN)/numpydoc lint $$(find src/ddasp -name '*.py' | sort)

format: $(FULL)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

pages: $(CORE)
	$(BIN)/python docs/make_pages.py
	$(BIN)/python docs/make_siblings.py

bench-coverage: $(CORE)
	$(BIN)/python benchmarks/interval_coverage.py

bench-fsdd: $(CORE)
	$(BIN)/python benchmarks/fsdd.py

bench-features: $(FULL)
	$(PIP) --editable ".[bench]"
	$(BIN)/python benchmarks/features.py --write docs/benchmarks
	$(MAKE) bench-loudness

bench-loudness: $(FULL)
	$(PIP) --editable ".[bench]"
	$(BIN)/python benchmarks/loudness.py --write docs/benchmarks

bench-homework: $(CORE)
	$(BIN)/python benchmarks/homework.py --write docs/benchmarks

bench-playground: $(FULL)
	$(BIN)/python benchmarks/playground.py --write docs/benchmarks

bench-stream: $(CORE)
	$(BIN)/python benchmarks/stream.py --write docs/benchmarks

bench-training: $(FULL)
	$(PIP) --editable ".[bench]"
	$(BIN)/python benchmarks/training.py --write docs/benchmarks

reliability: $(FULL)
	$(BIN)/python -m reliability --write

reliability-quick: $(FULL)
	$(BIN)/python -m reliability --quick

reliability-full: $(FULL)
	$(BIN)/python -m reliability --full --write

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	@command -v $(PYTHON) > /dev/null || { \
	  echo "$(PYTHON) was not found. Install Python 3.11, 3.12 or 3.13, or name it: make demo PYTHON=python3.12"; \
	  exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version); ddasp needs 3.11, 3.12 or 3.13. Name one: make demo PYTHON=python3.12"; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "$(PYTHON) can't make environments. On Debian and Ubuntu: sudo apt-get install python3-venv"; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)

$(CORE): pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing ddasp into $(VENV) (once; a few minutes)"
	$(PIP) --editable .
	@touch $@

$(FULL): pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing ddasp with all extras into $(VENV) (once; some minutes)"
	$(PIP) --editable ".[all,dev]"
	@touch $@ $(CORE)
