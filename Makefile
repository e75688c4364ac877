# Everything a developer, CI or a curious visitor runs. `make help` lists it; `.ci/run` calls `make test` and `make test-long`.
#
# One environment in .venv serves all targets. A stamp in it remembers what was installed, so nothing is installed
# again until pyproject.toml or constraints.txt change.
#   PYTHON=python3.12   the interpreter (else the newest of 3.14 to 3.11)
#   VENV=.venv-3.12     another environment beside the first
#   ARGS="..."          more arguments for `make demo`, `make bench` and for pytest

VENV ?= .venv
PYTHON ?=
ARGS ?=

BIN := $(VENV)/bin
# A process that has nothing more to do takes over half of what waits for another.
PARALLEL := -n auto --dist worksteal
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

# An environment is made anew when its Python is gone, when the folder has moved (scripts hold absolute paths), or when
# another PYTHON is asked for.
SAME_PYTHON := $(if $(PYTHON),grep -qsxF '$(PYTHON)' $(VENV)/.made,true)
UNUSABLE := $(shell test -x $(BIN)/python && grep -qsxF "$$(pwd)" $(VENV)/.made && $(SAME_PYTHON) || echo remake)

# Where nothing that was compiled may be kept, each process of a run compiles the tests and the plug-ins of pytest anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo bench test test-long test-postgres prove-webhooks test-real check-fast lint types format coverage clean remake

# What stores anything. The rest of tests/ would see no difference.
ON_BOTH := tests/notices/test_notice.py tests/moderation tests/store tests/journeys \
	$(filter-out $(addprefix tests/transfer/test_,bodies.py formats.py hostile.py),$(wildcard tests/transfer/test_*.py)) \
	$(addprefix tests/desk/test_,acts.py bulk.py crowd.py desk_sessions.py) \
	$(addprefix tests/web/test_,transitions.py front_end.py idempotency.py lists.py policy.py public.py formats.py operations.py)

# Whose every call may meet another replica.
ON_REPLICAS := $(addprefix tests/desk/test_,acts.py crowd.py) $(addprefix tests/journeys/test_,first_light.py random_walks.py) \
	$(addprefix tests/web/test_,lists.py policy.py)

# What `make test` leaves to `make test-long`: programs killed and starved again and again, thousands of random texts, walks and
# requests, and whatever waits for time limits. With these it would take more than ten minutes on two cores.
LONG := tests/embed tests/faults tests/transfer tests/test_cli.py tests/test_cli_db.py tests/test_compose_serves.py \
	$(addprefix tests/desk/test_,browser.py claims.py cleared.py crowd.py keys.py many.py news.py rules_browser.py sending.py) \
	$(addprefix tests/desk/test_,sign_in_browser.py why_browser.py) \
	$(addprefix tests/journeys/test_,demo_browser.py manual_pages.py random_texts.py random_walks.py) \
	$(addprefix tests/store/test_,backup.py backup_schedule.py copy.py long_queue.py long_threads.py) \
	$(addprefix tests/web/test_,bad_input.py body_size.py credentials.py guard.py live.py schemathesis.py)

# What `make check-fast` leaves out beside that, beside whatever starts a service (`service`; one test, `whole_way`, stays) or
# a PostgreSQL (`own_engines`): whole programs, whole stores, every combination of calls, thousands of random texts.
THOROUGH := tests/demo tests/checkup tests/webhooks tests/auth/test_attacks.py tests/notices/test_letter.py tests/store/test_query_plans.py \
	tests/triage/test_laws.py $(addprefix tests/test_,cli_desk.py cli_policy.py cli_undo.py logs.py packaging.py settings_sentences.py) \
	$(addprefix tests/store/test_,desk_sessions.py digest.py leases.py verify.py) \
	$(addprefix tests/text/test_,addresses.py folding.py render.py) $(addprefix tests/auth/test_,introspection.py oidc.py session.py)

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name meaning; do \
		printf '%-20s %s\n' "$$name" "$$meaning"; done

demo: $(VENV)/.runtime ## set up and open a small blog with comments, no configuration
	@$(BIN)/gatepost demo $(ARGS)

test: lint types ## set up, then format, lint, types and tests, in ten minutes on two cores
	@$(BIN)/python -m pytest $(PARALLEL) $(addprefix --ignore=,$(LONG)) $(ARGS)

test-long: $(VENV)/.dev ## the rest of the tests, then those of the store on PostgreSQL and of two replicas (CI runs it too)
	@$(BIN)/python -m pytest $(PARALLEL) $(LONG) $(ARGS)
	@$(BIN)/python -m pytest $(PARALLEL) --engine postgres -m "not browser" $(ON_BOTH)
	@$(BIN)/python -m pytest $(PARALLEL) --engine replicas $(ON_REPLICAS)

test-postgres: $(VENV)/.dev ## the tests that touch the store, on PostgreSQL (a server from a wheel, or TEST_POSTGRES_URL)
	@$(BIN)/python -m pytest $(PARALLEL) --engine postgres -m "not browser" $(ON_BOTH) $(ARGS)

prove-webhooks: $(VENV)/.dev ## what webhooks promise, for an hour: twenty kills, a thousand walks on each engine, a receiver dead for 100,000 events
	@HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest --timeout=0 tests/faults/test_webhook_kills.py
	@$(BIN)/python -m benchmarks.webhooks --rounds 1
	@for engine in sqlite postgres replicas; do HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest --timeout=0 --engine $$engine \
		-k promised tests/journeys/test_random_walks.py || exit 1; done

test-real: $(VENV)/.dev ## against WordPress, Django, an OpenID issuer, a Docker Engine; what is missing is skipped
	@$(INSTALL) '.[dev,real]'
	@$(BIN)/python -m pytest tests/real $(ARGS)

check-fast: lint types ## the quick loop: lint, types, and tests that take a minute together
	@$(BIN)/python -m pytest $(PARALLEL) -m "whole_way or not (slow or browser or own_engines or service)" \
		$(addprefix --ignore=,$(LONG) $(THOROUGH)) $(ARGS)

lint: $(VENV)/.dev ## formatting and ruff's rules
	@$(BIN)/ruff format --check --quiet . || { echo "Some files are not formatted: run make format"; exit 1; }
	@$(BIN)/ruff check --quiet .

types: $(VENV)/.dev ## mypy, strict
	@$(BIN)/python -m mypy --no-error-summary

format: $(VENV)/.dev ## rewrite the files as lint wants them
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

coverage: $(VENV)/.dev ## which lines the tests do not reach
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest -n auto $(ARGS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

bench: $(VENV)/.dev ## what a read costs beside a bare aiohttp program, five minutes (ARGS=--quick: one)
	@$(BIN)/python -m benchmarks.bench $(ARGS)

clean: ## remove the environment and everything that tools left behind
	@rm -rf .venv .venv-* build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The sentence of find-python must be the first line a newcomer sees, so nothing is printed before it.
$(VENV)/.made: $(UNUSABLE)
	@python=$$(PYTHON='$(PYTHON)' scripts/find-python) && \
	echo "Setting up $(VENV) with $$python (once, about a minute)" && \
	"$$python" -m venv --clear $(VENV) && \
	printf '%s\n' "$$(pwd)" "$$python" > $@

$(VENV)/.runtime: $(VENV)/.made pyproject.toml constraints.txt
	@$(INSTALL) .
	@touch $@

# Everything of the runtime and more: both stamps are up to date afterwards.
$(VENV)/.dev: $(VENV)/.made pyproject.toml constraints.txt
	@$(INSTALL) '.[dev]'
	@touch $(VENV)/.runtime $@
