# make parity   install, run the side-by-side check, write reports/latest and ade20_scores.md
# make gpu      the model side and trainings of every family on a CUDA machine, into reports/gpu
# make gpu-full the 160k training of both sides with three seeds: DATA=root of ADE20K, CONFIG=...
# make test     install, lint, type-check, run the parity checks and the tests of the toolkit
# make fuzz     read 5,000 damaged runs, each within bounds of time and memory (FUZZ=100 for fewer)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SEEDS ?= 0:40
FUZZ ?= 5000
CONFIG ?= swin-small-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512
TRAINING_SEEDS ?= 0,1,2

.PHONY: parity gpu gpu-full test tests-first tests-rest lint fuzz record sample-report clean help

help:
	@sed -n 's/^# //p' Makefile

parity: $(INSTALLED)
	$(BIN)/parity check --seeds $(SEEDS) --out reports/latest
	$(BIN)/python extract_tables.py --out ade20_scores.md
	@echo "wrote reports/latest (report.html, report.md, report.json) and ade20_scores.md"

FIRST := $(addprefix tests/,candidate check cli compare guard scores steps)

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
	@$(BIN)/python -c "from parity.probes.device import check_device as c; c('cuda')" 2>/dev/null || \
		{ echo "error: make gpu needs a CUDA device that torch can use, and none is here" >&2; exit 2; }
	$(BIN)/parity check --device cuda --seeds $(SEEDS) --out reports/gpu
	$(BIN)/python -m pytest parity/checks/test_deform_attn.py -k compiled -rA > reports/gpu/deform_attn.txt
	@# 2: this environment has no compiled ops to try, as the file says
	$(BIN)/parity ops --device cuda > reports/gpu/ops.txt || test $$? -eq 2
	$(BIN)/python scripts/gpu.py --out reports/gpu

gpu-full: $(INSTALLED)
	@test -n "$(DATA)" || { echo "error: name the root of ADE20K: make gpu-full DATA=..." >&2; exit 2; }
	$(BIN)/parity train $(CONFIG) --full --device cuda --data "$(DATA)" --seeds $(TRAINING_SEEDS) \
		--lockstep 200 --iters 160000 --out reports/gpu-full

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
