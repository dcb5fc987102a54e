# A thin front: every target sets the project up first (in milliseconds when that is done already).
# The pipeline itself is in SConstruct.

PYTHON ?= python3
BOARD ?= virtual
BUNDLE ?= build/demo/bundle
BACKEND ?= cm55

BIN := .venv/bin
SCONS := $(BIN)/scons -Q BOARD=$(BOARD) BUNDLE=$(BUNDLE) BACKEND=$(BACKEND)

# Tests start many processes of this project, each of which would compile its modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test lint firmware flash hil n6-virtual doctor clean

help:
	@echo "make demo      recordings to a byte-exact verdict on a virtual board (build/demo/)"
	@echo "make test      prove the project"
	@echo "make firmware  build the firmware of BUNDLE=$(BUNDLE) for BOARD=$(BOARD)"
	@echo "make flash     write it to the board and print its HELLO"
	@echo "make hil       run the hardware-in-the-loop suite on BOARD with BUNDLE"
	@echo "make doctor    check every tool"
	@echo "make clean     remove everything that was made, .venv included"

# $(call target,COMMAND,what setup is told): make itself ends with 2 whatever went wrong. The code of the target and its
# class stand in build/exit-code, and in the last lines.
EXIT := build/exit-code
define target
@rm -f $(EXIT); code=0; \
{ $(PYTHON) host/bootstrap.py $(2) && NIGHTJAR_EXIT_FILE=$(EXIT) && export NIGHTJAR_EXIT_FILE && $(1); } || code=$$?; \
$(PYTHON) host/exit_codes.py $(EXIT) $$code
endef

setup:
	$(call target,true)

demo:
	$(call target,$(SCONS) demo)

firmware:
	$(call target,$(SCONS) firmware)

flash:
	$(call target,$(SCONS) firmware && $(BIN)/nightjar flash build/firmware/$(BOARD) --board $(BOARD))

# A network for the NPU is judged in the project that `make firmware` makes of it: stedgeai is not asked again.
JUDGED := $(if $(filter neural_art,$(BACKEND)),--project build/firmware/$(BOARD))

hil:
	$(call target,$(SCONS) $(if $(JUDGED),firmware,bundle) && \
	  $(BIN)/nightjar hil --board $(BOARD) --bundle $(BUNDLE) $(JUDGED))

n6-virtual:
	$(call target,$(BIN)/nightjar board build n6-virtual)

doctor:
	$(call target,$(BIN)/nightjar doctor)

LINT := $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

lint:
	$(call target,$(LINT))

# A process a core and one more, four at most: tests of lines and boards that do not answer wait, for minutes in all.
# A file's tests stay in one process, which makes their models once. conftest.py orders the files.
PYTEST := $(BIN)/python -m pytest -q -n $$(($$(nproc) + 1)) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# The virtual STM32N6 is built first where it can be; where not, its tests are skipped, and the summary says so and why.
# That is no failure of the target: the code in build/exit-code is none of its. Lint, on one core, runs beside it.
N6_VIRTUAL := env -u NIGHTJAR_EXIT_FILE $(BIN)/nightjar board build n6-virtual --deadline 1500

test:
	$(call target,{ $(LINT) & lint=$$!; $(N6_VIRTUAL); wait $$lint; } && $(PYTEST),--test)

clean:
	-@[ ! -x $(BIN)/nightjar ] || $(BIN)/nightjar board down --all
	rm -rf build .venv .sconsign.dblite .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find host model_gen firmware hil_tests ci -name __pycache__ -type d -exec rm -rf {} +
