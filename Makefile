# `make run` needs nothing but Python >= 3.11; `make test` also uses RabbitMQ and PostgreSQL where they are installed.

export WISHTREE_DATA ?= var
PORT ?= 8000
BIN := .venv/bin

.PHONY: help run test test-browser test-full lock clean

help:
	@echo "make run        start everything at http://localhost:$(PORT) (state in $(WISHTREE_DATA)/, Ctrl-C stops)"
	@echo "make test       lint, types, import rules and tests"
	@echo "make test-browser  the pages in Chromium, which has to be installed"
	@echo "make test-full  the same with the large sizes and long fault runs"
	@echo "make lock       resolve the lock files anew"
	@echo "make clean      remove .venv and caches; $(WISHTREE_DATA)/ is kept"

run:
	@scripts/setup run
	@exec $(BIN)/python -m console.main up --embedded --data "$(WISHTREE_DATA)" --port $(PORT)

test:
	@scripts/setup test
	@scripts/check --test-limit 5 -m "not browser and not slow and not faults"
	@echo "The pages in a browser were not tested: make test-browser (needs Chromium)."

test-browser:
	@scripts/setup test
	@$(BIN)/python -m pytest tests/browser -m browser

test-full:
	@scripts/setup test
	@WISHTREE_FAULT_RECORDS=20000 WISHTREE_FUZZ_EXAMPLES=100 scripts/check --timeout=1800

# Each resolution takes the one before as given, so that tests run on what is installed in production.
UV_COMPILE := $(BIN)/uv pip compile --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
  --no-emit-find-links --quiet

lock:
	@scripts/setup test
	$(UV_COMPILE) $(LOCK_FLAGS) --extra setup pyproject.toml -o requirements.lock
	$(UV_COMPILE) $(LOCK_FLAGS) --extra setup --extra local -c requirements.lock pyproject.toml -o requirements-local.lock
	$(UV_COMPILE) $(LOCK_FLAGS) --extra setup --extra local --extra dev -c requirements-local.lock pyproject.toml \
	  -o requirements-dev.lock

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
