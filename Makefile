# Everything runs inside .venv, which is made once and brought up to date when pyproject.toml changes.
# `make PYTHON=python3.13 ...` remakes it with another interpreter; VENV=elsewhere keeps both.
VENV ?= .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check -q

# One stamp a step, all inside $(VENV), so that remaking the environment repeats every step. The first one is named
# after PYTHON where that is given: another interpreter is then another, missing, stamp.
MADE        := $(if $(PYTHON),$(VENV)/.made-$(subst /,-,$(PYTHON)),$(firstword $(wildcard $(VENV)/.made*) $(VENV)/.made))
RUNTIME     := $(VENV)/.runtime
DEV         := $(VENV)/.dev
CONFORMANCE := $(VENV)/.conformance
BENCH       := $(VENV)/.bench
SITE        := $(VENV)/.site
FUZZ        := $(VENV)/.fuzz
SUITE       := $(VENV)/.schema-suite
PEER        := tests/interop/node_modules/.stamp
PYODIDE     := web/node_modules/.stamp
PYRIGHT     := tests/typing/node_modules/.stamp

# The tests start hundreds of programs. Each would compile the library again if the environment forbids to keep bytecode.
unexport PYTHONDONTWRITEBYTECODE

# As many processes as processors, four at most, divide the tests; how, tests/conftest.py says.
PARALLEL := -n auto --maxprocesses 4

.DEFAULT_GOAL := help

$(MADE):
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  $$python -c 'import ensurepip' 2>/dev/null || { \
	    echo "$$python cannot make virtual environments: its ensurepip module is missing." >&2; \
	    echo "On Debian and Ubuntu: apt-get install $$($$python -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; \
	    exit 1; }; \
	  echo "Making $(VENV) with $$($$python --version)"; \
	  $$python -m venv --clear $(VENV) && touch $@; exit; \
	done; \
	echo "Python 3.11 or newer is needed and was not found as: $(or $(PYTHON),python3 python3.14 ... python3.11)." >&2; \
	echo "Name one with: make PYTHON=/path/to/python3.11" >&2; \
	exit 1

# pip 25.1 is the first that installs dependency groups.
$(RUNTIME): $(MADE) pyproject.toml ocpp_core/_version.py
	@echo "Installing the library"
	@$(PIP) install 'pip>=25.1'
	@$(PIP) install -e .
	@touch $@

# The wheels of the run-time dependencies are kept, so that the test of the built wheel needs no network.
$(DEV): $(RUNTIME)
	@echo "Installing the development tools"
	@$(PIP) install --group dev
	@$(PIP) download --no-build-isolation -d $(VENV)/wheels .
	@touch $@

$(CONFORMANCE): $(DEV)
	@$(PIP) install --group conformance
	@touch $@

# The test suite of JSON Schema is inside this source distribution, and in nothing that is installed.
$(SUITE): $(DEV)
	@echo "Downloading the test suite of JSON Schema"
	@$(PIP) download --no-deps --no-binary jsonschema -d $(VENV)/schema-suite jsonschema==4.17.3
	@touch $@

$(BENCH): $(DEV)
	@$(PIP) install --group bench
	@touch $@

$(FUZZ): $(DEV)
	@$(PIP) install --group fuzz
	@touch $@

$(SITE): $(DEV)
	@$(PIP) install --group docs
	@touch $@

# Some tests need what npm brings, and skip with a reason where it is missing: never a reason to stop.
# $(call npm,FOLDER,WHAT IT IS) installs exactly what the folder's lock file names.
define npm
	@if command -v node >/dev/null && command -v npm >/dev/null; then \
	  echo "Installing $(2)"; \
	  (cd $(1) && npm ci --loglevel=error --no-audit --no-fund --ignore-scripts --fetch-retries=1 --fetch-timeout=30000 >/dev/null) \
	    && touch $@ || echo "npm could not install it: the tests that need it will be skipped"; \
	fi
endef

$(PEER): tests/interop/package.json tests/interop/package-lock.json
	$(call npm,tests/interop,the npm peer of the interoperability tests)

$(PYODIDE): web/package.json web/package-lock.json
	$(call npm,web,Python for the browser)

$(PYRIGHT): tests/typing/package.json tests/typing/package-lock.json
	$(call npm,tests/typing,the second type checker of the typing tests)

.PHONY: setup demo fmt lint types test all-tests test-core test-fast test-typing test-proxies test-bench test-browsers cov fuzz fuzz-properties differential leaks soak soak-sockets outbox-histories outbox-kills siege cost trips bench conformance schemas messages compat web screenshots docs site dist wheel-fast cluster-histories cluster-trial test-cluster clean help

setup: $(DEV) $(SUITE) $(PEER) $(PYODIDE) $(PYRIGHT) ## Make or update the environment of the other targets

demo: $(RUNTIME) ## Run the main job: a server and a station for each protocol version
	@$(BIN)/python -m ocpp_apps.demo

# mypy and npm use one processor each for a minute: the rest goes on beside them.
test: ## Check style and types, and run all tests
	@$(MAKE) --no-print-directory -j4 lint types all-tests

all-tests: $(DEV) $(SUITE) $(PEER) $(PYODIDE) $(PYRIGHT) ## Run all tests, those of the built wheel included
	@$(BIN)/python -m pytest $(PARALLEL)

# The engine's tests use no plugin; to load the first three takes as long as the tests, and the fourth runs at every test.
test-core: $(DEV) ## Run the engine's own tests
	@$(BIN)/python -m pytest -q -p no:hypothesispytest -p no:anyio -p no:xdist -p no:logging tests/core

test-fast: $(DEV) $(SUITE) $(PEER) $(PYODIDE) $(PYRIGHT) ## Build the compiled wheel, and run all tests on it
	@$(BIN)/python -m tools.fast.suite $(PARALLEL)

# pyright takes ten seconds for the engine: `make test` leaves out what is generated in the same way for every version.
test-typing: $(DEV) $(PYRIGHT) ## Run the tests of the types, and verify that those of whole packages are complete
	@$(BIN)/python -m pytest -m "complete or not complete" tests/typing

test-proxies: $(DEV) ## Run nginx and HAProxy, if installed, with the configurations of the documentation
	@$(BIN)/python -m pytest -m proxies tests/proxies

test-cluster: $(DEV) ## Run all tests of the cluster with workers and a real redis-server, also those of slow faults
	@$(BIN)/python -m pytest -m "cluster or not cluster" tests/transports/cluster

test-bench: $(DEV) $(PEER) ## Have the benchmarks run once, quickly, and write their page
	@$(BIN)/python -m pytest -m bench tests/contracts/test_benchmarks.py

test-browsers: $(DEV) $(PYODIDE) ## Run the client's tests in Firefox too, after those in Chromium
	@BROWSERS="chromium firefox" $(BIN)/python -m pytest tests/browser

fmt: $(DEV) ## Format the code and repair what the linter can repair
	@$(BIN)/ruff check -q --fix --exit-zero .
	@$(BIN)/ruff format .

lint: $(DEV) ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(DEV) ## Check types, strictly
	@$(BIN)/mypy

cov: $(DEV) $(SUITE) $(PEER) $(PYODIDE) $(PYRIGHT) ## Run all tests and report line and branch coverage
	@$(BIN)/coverage run -m pytest -q
	@$(BIN)/coverage report

# libFuzzer's own limits hold each process to 1 GiB; what it finds and its corpora are in build/fuzz.
SECONDS ?= 60
TARGETS ?=
fuzz: $(FUZZ) ## Fuzz frames, handshakes, messages, JSON, payloads and stored messages, SECONDS each; TARGETS for some
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(TARGETS)

leaks: $(DEV) ## Send a million messages through one process on each event loop; every container must keep its size
	@$(BIN)/python tools/leaks.py

fuzz-properties: $(DEV) ## Search long for counterexamples to the properties, from new random seeds
	@$(BIN)/python -m pytest --hypothesis-profile=fuzz --timeout=0 tests/properties

MINUTES ?= 1
soak: $(DEV) ## Play histories with faults in virtual time, for MINUTES; what is promised must hold in each
	@$(BIN)/python tools/soak.py --minutes $(MINUTES)

soak-sockets: $(DEV) ## Let hundreds of stations misbehave for minutes on each event loop; nothing may be lost or left
	@$(BIN)/python tools/soak_sockets.py

HISTORIES ?= 20000
outbox-histories: $(DEV) ## Simulate crashes, failing stores and lost connections of the outbox; seed mistakes and find them
	@$(BIN)/python -m tests.core.outbox.simulation --histories $(HISTORIES)
	@$(BIN)/python -m tests.core.durable.fleet --histories $(HISTORIES)

# FORMS are two folders with ocpp_core or wheels, such as the tree and the compiled wheel; `+bare` hides the extra speed.
FORMS ?= . .+bare
differential: $(DEV) ## Play HISTORIES random histories with two FORMS of the library, and compare everything they do
	@$(BIN)/python -m tests.differential --histories $(HISTORIES) $(FORMS)

cluster-trial: $(DEV) ## Kill and stop servers of a cluster with 9,000 stations, and its Redis; judge what everyone saw
	@$(BIN)/python -m tests.transports.cluster.trial

cluster-histories: $(DEV) ## Simulate clusters, with faults of nodes, network and store; seed mistakes and find them
	@$(BIN)/python -m tests.core.cluster.simulation --histories $(HISTORIES)

KILLS ?= 200
outbox-kills: $(DEV) ## Kill a station and a server at random moments; no message may be lost, reordered or sent in error
	@$(BIN)/python -m tests.transports.outbox.kills --kills $(KILLS)
	@$(BIN)/python -m tests.transports.server.queue.kills --kills $(KILLS)

siege: $(DEV) ## Have hostile stations attack and load a server on each event loop; measure what the others notice
	@$(BIN)/python tools/siege.py

cost: $(DEV) ## Count what a message costs in instructions, beside the table that the tests hold it to
	@$(BIN)/python tools/count_cost.py

trips: $(DEV) ## List the calls that a message and an upgrade pass through, file by file, beside their limits
	@$(BIN)/python tools/count_trips.py

bench: $(BENCH) $(PEER) ## Measure speed, latency and memory beside other implementations (twenty minutes)
	@$(BIN)/python benchmarks/run.py

conformance: $(CONFORMANCE) ## Run a WebSocket conformance suite over the echo client and server of examples/
	@$(BIN)/python tools/conformance.py

schemas: $(DEV) ## Regenerate the schema bundles
	@$(BIN)/python tools/build_schemas.py

messages: $(RUNTIME) ## Regenerate the typed messages of each version from the schema bundles
	@$(BIN)/python tools/build_types.py

compat: $(DEV) ## Regenerate the payload classes of ocpp_transports.compat
	@$(BIN)/python tools/build_compat.py

web: $(DEV) $(PYODIDE) ## Serve a charging station in a web page, and a central system for it to connect to
	@$(BIN)/python tools/serve_web.py

screenshots: $(DEV) $(PYODIDE) ## Take the pictures of that page anew
	@$(BIN)/python tools/take_screenshots.py

docs: $(DEV) ## Regenerate the generated pages of the documentation
	@$(BIN)/python tools/build_docs.py

site: $(SITE) ## Build the documentation as a site, in build/site
	@$(BIN)/python tools/build_site.py

dist: $(DEV) ## Build the source distribution and the wheel
	@$(BIN)/python -m build --no-isolation

# It needs a C compiler and the headers of Python.
wheel-fast: $(DEV) ## Build the compiled wheel for this platform and this version of Python
	@OCPP_WS_IO_COMPILED=1 $(BIN)/python -m build --wheel --no-isolation

clean: ## Remove build results and caches; the environment stays
	rm -rf build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'
