# make parity   install, run the side-by-side check, write reports/latest and ade20_scores.md
# make gpu      the model side on a CUDA machine; figures go to reports/gpu
# make test     install, lint, type-check, run the parity checks and the tests of the toolkit
# make fuzz     read 5,000 damaged runs, each within bounds of time and memory (FUZZ=100 for fewer)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SEEDS ?= 0:40
FUZZ ?= 5000

.PHONY: parity gpu test tests-first tests-rest lint fuzz record sample-report clean help

help:
	@sed -n 's/^# //p' Makefile

parity: $(INSTALLED)
	$(BIN)/parity check --seeds $(SEEDS) --out reports/latest
	$(BIN)/python extract_tables.py --out ade20_scores.md
	@echo "wrote reports/latest (report.html, report.md, report.json) and ade20_scores.md"

FIRST := $(addprefix tests/,candidate check cli compare guard steps)

test: lint
	$(BIN)/python -m pytest parity/
	@# the tests of the toolkit in two processes, each of which prints when it is done
	$(MAKE) --no-print-directory -j2 --output-sync=target tests-first tests-rest

tests-first: $(INSTALLED)
	$(BIN)/python -m pytest $(FIRST)

tests-rest: $(INSTALLED)
	$(BIN)/python -m pytest tests/ $(FIRST:%=--ignore=%)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

gpu: $(INSTALLED)
	$(BIN)/parity check --device cuda --seeds $(SEEDS) --out reports/gpu
	$(BIN)/python -m pytest parity/checks/test_deform_attn.py -k compiled -rA > reports/gpu/deform_attn.txt
	@# 2: this environment has no compiled ops to try, as the file says
	$(BIN)/parity ops --device cuda > reports/gpu/ops.txt || test $$? -eq 2

fuzz: $(INSTALLED)
	$(BIN)/python scripts/fuzz.py --count $(FUZZ)

record: $(INSTALLED)
	$(BIN)/parity record

sample-report: $(INSTALLED)
	$(BIN)/python scripts/make_sample_report.py

$(INSTALLED): pyproject.toml constraints.txt scripts/install.sh
	@scripts/install.sh $(VENV) $(PYTHON)
	@touch $@

clean:
	rm -rf $(VENV) reports/latest .mypy_cache .ruff_cache .pytest_cache .hypothesis
