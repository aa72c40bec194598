# Every target sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
MLBENCH := $(BIN)/mlbench

MODELS ?= demo-polyglot demo-anglo
FAMILIES ?= embedded
LANGUAGES ?= all
SHOTS ?= 0
LIMIT ?=
# A selection of your own goes to a run of its own unless you name one.
RUN ?= $(if $(findstring command line,$(foreach v,MODELS FAMILIES LANGUAGES SHOTS LIMIT,$(origin $v))),custom,bench)
# Files or options for pytest, such as TESTS="tests/test_store.py -x".
TESTS ?=
# More options of `mlbench run`, such as ARGS="--device cuda:1 --dtype bfloat16".
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup bench report test quick mutations check tasks demo-models pictures clean

help: ## list the targets
	@echo "mlbench: is a language model as good in your language as in English?"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'Variables of bench and report, with their values now:'
	@echo '  MODELS="$(MODELS)" FAMILIES=$(FAMILIES) LANGUAGES=$(LANGUAGES) SHOTS=$(SHOTS) LIMIT=$(LIMIT) RUN=$(RUN)'
	@echo 'Example:'
	@echo '  make bench MODELS="Qwen/Qwen2.5-0.5B meta-llama/Llama-3.2-1B" FAMILIES=core SHOTS=5 RUN=moat'

setup: $(VENV)/.installed ## make the virtual environment and install mlbench with its tests

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "setting up $(VENV) (some minutes the first time)"
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("mlbench needs Python 3.11 or newer, this is %d.%d. Try: make PYTHON=python3.12 ..." % v[:2])'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

bench: setup ## score MODELS on FAMILIES in LANGUAGES, then write the report
	@$(MLBENCH) run --models $(MODELS) --families $(FAMILIES) --languages $(LANGUAGES) \
		--shots $(SHOTS) $(if $(LIMIT),--limit $(LIMIT)) --run $(RUN) $(ARGS); \
	status=$$?; test $$status -le 1 || exit $$status; \
	$(MLBENCH) report $(RUN) || exit $$?; exit $$status

report: setup ## write the report of RUN again
	@$(MLBENCH) report $(RUN)

test: setup ## run the tests: no network, no GPU, no downloaded weights
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(TESTS)

quick: setup ## run the tests of a minute: without those that are slow, use a browser or Ray
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow and not browser and not ray" $(TESTS)

mutations: setup ## make single changes to the code, and see whether the tests notice each
	@$(BIN)/python tests/run_mutations.py

check: setup ## format, lint, types, generated task files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(MLBENCH) tasks check

tasks: setup ## write the lm-eval task files again
	@$(MLBENCH) tasks generate

demo-models: setup ## train the two demo models again
	@$(BIN)/python -m mlbench.demo_models.train

pictures: bench ## take the pictures of the README again (needs Chromium)
	@$(BIN)/python docs/pictures.py

clean: ## delete what is made: the environment, caches, runs and reports
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist runs
	find reports -mindepth 1 ! -name .gitkeep -delete
