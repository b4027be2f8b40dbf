# Every target makes its own environment in .venv, once, and again when its requirements change.
PYTHON ?= python3
PY := .venv/bin/python
STAMPS := .venv/.stamps
INSTALL := $(PY) -m pip install -qq --disable-pip-version-check -c constraints.txt
# One thread a test process, two processes: fast on two cores, and floating-point sums repeat.
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest
export PYTHONUTF8 := 1

.NOTPARALLEL:
.PHONY: help demo test test-full check bench docs figures clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile

demo: $(STAMPS)/all ## Train on the offline digits; the report opens in any browser
	.venv/bin/qurvature train digits
	@echo "Report: runs/latest/report.html"

test: $(STAMPS)/test ## All tests but the slow ones, with the code in README, docs and docstrings
	$(PYTEST) -q -n 2 --dist loadfile -m "not slow"

test-full: $(STAMPS)/test ## The slow tests: browser, long runs
	@status=0; $(PYTEST) -q -m slow || status=$$?; \
	  if [ $$status -eq 5 ]; then echo "There are no slow tests yet."; else exit $$status; fi

check: $(STAMPS)/check ## Lint, format, types, layers, and the documentation in strict mode
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/ty check
	.venv/bin/lint-imports --no-logo
	@$(MAKE) --no-print-directory docs

bench: $(STAMPS)/bench ## Exact counts, and seconds as ratios against peers
	$(PY) -m benchmarks

docs: $(STAMPS)/check ## Build the documentation into site/
	.venv/bin/zensical build --strict

figures: $(STAMPS)/bench ## Rewrite the README's table from a fresh measurement
	$(PY) -m benchmarks.readme --run

clean: ## Remove everything that the targets made, but no runs
	rm -rf .venv site dist .pytest_cache .hypothesis .ruff_cache .import_linter_cache .cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Only the existence of .venv counts, not its date: pip writes into it.
$(PY):
	$(PYTHON) -m venv .venv

$(STAMPS)/%: pyproject.toml constraints.txt | $(PY)
	@echo "Setting up .venv for '$*' …"
	@$(INSTALL) -e '.[$(EXTRAS_$*)]'
	@mkdir -p $(STAMPS) && touch $@

EXTRAS_all := all
EXTRAS_test := all,crosscheck,test
EXTRAS_check := all,crosscheck,test,check,docs
EXTRAS_bench := all,crosscheck,bench
