.PHONY: demo test check typed layered released release soak bench fuzz picture lock clean
PYTHON ?= python3
# Another Python than the usual one has an environment of its own: make test PYTHON=python3.12
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'))
BIN := $(VENV)/bin

# The one way to set up: a plain virtual environment with locked versions.
$(VENV)/ready: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: $(VENV)/ready ## set up, record a made-up week of an agent platform, show the report
	$(BIN)/analytics-es demo

test: $(VENV)/ready ## set up, run the tests
	$(BIN)/python -m compileall -q analytics_es # else each of the hundreds of programs that are started may do it
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses auto --dist worksteal --durations 10

check: $(VENV)/ready ## format, lint, types, import contracts, the wheel alone, tests with >= 90 % branch coverage and every small fold done twice
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(MAKE) --no-print-directory --jobs 3 typed layered released
	DOUBLE_FOLD=1 $(MAKE) --no-print-directory test PYTEST_ADDOPTS="--cov --cov-report=term"

# Parts of check that wait for one another no more than for the network.
typed: $(VENV)/ready
	$(BIN)/mypy
layered: $(VENV)/ready
	$(BIN)/lint-imports --no-cache
released: $(VENV)/ready
	$(BIN)/python -m tests.release $(RELEASE)

release: $(VENV)/ready ## build the archives; install, run and type-check them alone, on every Python of ours that is here; count sessions of coding agents beside ccusage, where npm is
	$(BIN)/python -m tests.release --every $(RELEASE)

soak: $(VENV)/ready ## what takes longer than a test may: more kills, 200 who ask at once, 1,200 programs that close nothing, a million of one key, two million through a follower, kills inside forget, retain, export and backup, flipped bits, processes of other settings, ten minutes of everything; laws, and random filters and groups against plain Python, and events that overflow or cannot be folded, on ten times the examples
	$(BIN)/python -m tests.faults.soak $(SOAK)
	EXAMPLES=10 $(BIN)/python -m pytest -q tests/test_laws.py tests/ingest/sessions/test_histories.py tests/faults/test_state_machine.py tests/service/test_as_of.py tests/queries/test_rows.py tests/queries/test_large_numbers.py tests/projection/test_silence.py tests/projection/test_small_fold.py tests/read_models/test_halving.py tests/cost/test_pricing.py

bench: $(VENV)/ready ## measure against yardsticks in the same run; JSON beside the table
	$(BIN)/python -m tests.benchmarks $(BENCH)

fuzz: $(VENV)/ready ## fuzzing, guided by coverage where atheris is; else of bodies of requests alone: make fuzz FUZZ='otlp --runs 100000'
	$(BIN)/python -m tests.fuzz $(FUZZ)

picture: $(VENV)/ready ## draw the pictures in README and docs anew
	$(BIN)/python -m tests.picture

lock: ## resolve the newest versions again, in an empty environment
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	build/lock/bin/python -m pip freeze --exclude-editable > requirements.lock

clean:
	rm -rf .venv .venv-* build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
