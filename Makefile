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
# Files or options for pytest, such as TESTS="tests/test_store.py -x".
TESTS ?=
# More options of `mlbench run`, such as ARGS="--device cuda:1 --dtype bfloat16".
ARGS ?=
# A selection of your own, on the command line or from the environment, goes to a run of its own
# unless you name one.
SELECTION := $(strip $(foreach v,MODELS FAMILIES LANGUAGES SHOTS LIMIT ARGS,$(if $(filter file,$(origin $v)),,$v)))
RUN ?= $(if $(SELECTION),custom,bench)

# A variable that nothing reads is a mistake: the command would run for hours without it.
KNOWN := PYTHON VENV MODELS FAMILIES LANGUAGES SHOTS LIMIT RUN TESTS ARGS
TYPED := $(foreach v,$(.VARIABLES),$(if $(findstring command line,$(origin $v)),$v))
UNKNOWN := $(firstword $(filter-out $(KNOWN),$(TYPED)))
ifneq ($(UNKNOWN),)
MEANT := $(filter $(shell printf %.3s '$(UNKNOWN)' | tr a-z A-Z)%,$(KNOWN))
$(error there is no variable $(UNKNOWN).$(if $(MEANT), Did you mean $(MEANT)?) Variables are: $(KNOWN))
endif

# Words as the shell takes them, whatever is in them.
quote = '$(subst ','\'',$(1))'
quoted = $(foreach word,$(1),$(call quote,$(word)))

# Every warning is an error. The variable silences an advertisement of the theme's next generation.
SITE := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.DEFAULT_GOAL := help
.PHONY: help setup bench report test quick mutations check docs tasks demo-models pictures clean distclean

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
	@$(MLBENCH) run --models $(call quoted,$(MODELS)) --families $(call quoted,$(FAMILIES)) \
		--languages $(call quoted,$(LANGUAGES)) --shots $(call quoted,$(SHOTS)) \
		$(if $(LIMIT),--limit $(LIMIT)) --run $(call quote,$(RUN)) $(ARGS); \
	status=$$?; test $$status -le 1 || exit $$status; \
	$(MLBENCH) report $(call quote,$(RUN)) || exit $$?; \
	$(if $(filter bench,$(RUN)),,echo "To write this report again: make report RUN=\"$(RUN)\"";) exit $$status

report: setup ## write the report of RUN again
	@$(MLBENCH) report $(call quote,$(RUN))
	@latest=$$(ls -t runs/*/run.json 2>/dev/null | head -n 1 | cut -d / -f 2); \
	test -z "$$latest" || test "$$latest" = $(call quote,$(RUN)) || \
	echo "The latest run is another: make report RUN=\"$$latest\""

test: setup ## run the tests: no network, no GPU, no downloaded weights
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(TESTS)

quick: setup ## run the tests of a minute: without those that are slow, use a browser or Ray
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow and not browser and not ray" $(TESTS)

mutations: setup ## make single changes to the code, and see whether the tests notice each
	@$(BIN)/python tests/run_mutations.py

check: setup ## format, lint, types, generated task files, links of the docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(MLBENCH) tasks check
	@$(SITE)

docs: setup ## build the documentation as a site: build/site/index.html
	@$(SITE)

tasks: setup ## write the lm-eval task files again
	@$(MLBENCH) tasks generate

demo-models: setup ## train the two demo models again
	@$(BIN)/python -m mlbench.demo_models.train

pictures: bench ## take the pictures of the README again (needs Chromium)
	@$(BIN)/python docs/pictures.py

clean: ## delete the environment and caches; runs and reports stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

distclean: clean ## delete all that was made, also runs, reports and exports
	rm -rf runs exports
	find reports -mindepth 1 ! -name .gitkeep -delete
