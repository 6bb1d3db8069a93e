# `make run` needs Python 3.11 or newer, pip and make, and nothing else. Another Python: make run PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
# Named by what the lock file says: tar and rsync keep a release's times, and an older release may be put back.
STAMP := .venv/.complete-$(shell cksum < requirements.lock | cut -d ' ' -f 1)
.DEFAULT_GOAL := help
.PHONY: help setup run test check fuzz format translations lock bench profile faults backup restore

help:  ## show these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP)  ## make .venv with everything that the lock file names

run: $(STAMP)  ## start everything and print where to look (HOST, PORT, TANHUI_VAR)
	@$(BIN)/python -m backend.supervisor

# Each process has servers of its own; a file's tests stay together, for they share what is slow to make.
test: $(STAMP)  ## all tests, on all cores (ARGS='-k ledger' for some, ARGS='-n 0 …' in one process)
	@$(BIN)/python -m pytest $(if $(TEST_DATABASE_URL),,-n logical --dist loadfile --no-loadscope-reorder) $(ARGS)

check: $(STAMP)  ## format, lint, types, layers, then all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

fuzz: $(STAMP)  ## 100,000 made-up and damaged signed requests and files, with a bar (INPUTS=n, SEED=n)
	@FUZZ_INPUTS=$(or $(INPUTS),100000) FUZZ_SEED=$(or $(SEED),1) $(BIN)/python -m pytest tests/fuzz -s

format: $(STAMP)  ## put the code in order
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

translations: $(STAMP)  ## bring the message catalogue up to date and name what is untranslated
	@$(BIN)/python -m tests.translating

lock: $(STAMP)  ## bring requirements.lock up to pyproject.toml (ARGS=--upgrade for newer releases)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url \
	  --no-strip-extras --no-header $(ARGS) pyproject.toml -o requirements.lock

bench: $(STAMP)  ## the benchmark table (ROW=award for one row)
	@$(BIN)/python -m tests.benchmarks $(ROW)

profile: $(STAMP)  ## where an award's time goes: functions, statements (BENCH_SECONDS=20, DATABASE_URL with pg_stat_statements)
	@$(BIN)/python -m tests.benchmarks.profiling

faults: $(STAMP)  ## kill, cut off and starve a site of real processes (RUN=short as in CI, FAULTS_KILLS=60, FAULTS_SEED)
	@FAULTS_RUN=$(RUN) $(BIN)/python -m pytest -s tests/faults $(ARGS)

backup: $(STAMP)  ## write a backup while the site runs (KEEP=7: only the newest seven; FOLDER=…)
	@$(BIN)/flask --app wsgi backup make $(if $(KEEP),--keep $(KEEP)) $(if $(FOLDER),--folder '$(FOLDER)')

restore: $(STAMP)  ## restore one into a stopped site (BACKUP=file; REPLACE=yes where people are in it)
	@test -n '$(BACKUP)' || { echo "Which one? make restore BACKUP=var/backups/tanhui-….dump"; exit 1; }
	@$(BIN)/flask --app wsgi backup restore '$(BACKUP)' $(if $(filter yes,$(REPLACE)),--replace) \
	  $(if $(filter yes,$(WITHOUT_KEY)),--without-key) \
	  $(if $(filter yes,$(WITHOUT_ERASURES)),--without-erasures) $(if $(filter yes,$(ACCEPT_DIFFERENCES)),--accept-differences)

# The stamp comes last, so that a set-up cut short is done again. A Python without venv's own pip (Debian) lends its.
$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Tanhui needs Python 3.11 or newer: install it, or name yours with 'make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12'."; exit 1; }
	@echo "Setting up .venv (once)..."
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || $(PYTHON) -m venv --without-pip .venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 && pip="$(BIN)/python -m pip" || pip="$(PYTHON) -m pip --python $(BIN)/python"; \
	  $$pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock || \
	  { echo "The packages could not be installed: see the lines above; pip 22.3 or newer and a package index are needed."; exit 1; }
	@$(BIN)/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "tanhui.pth").write_text(str(pathlib.Path.cwd()))'
	@rm -f .venv/.complete* && touch $@
