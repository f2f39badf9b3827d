# Every daily act is one target; a bare `make` lists them. Each works in a fresh clone with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
MODELS ?= models
RECIPE ?= denoising-32
VERSION ?= $(MODELS)/digits/1
# An empty DATA lets the trainer download MNIST; `make train DATA=digits` needs no network.
DATA ?=
FASHION ?= $(FASHION_DIR)

.DEFAULT_GOAL := help
.PHONY: help setup train report study serve model-server test check evaluate compat protocols thin fairness bench bench-compare fuzz soak drain scaling bulk-test real-life image-test site stubs pictures scan lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.dev ## Install everything into .venv: service, trainer and tools

serve: $(VENV)/.embedded $(VENV)/.client ## Serve models/digits on http://127.0.0.1:8000
	@$(if $(filter-out undefined default file,$(origin MODELS)),DIGITCODEC_MODEL__ROOT=$(MODELS)) $(PY) -m service

train: $(VENV)/.train ## Train RECIPE on DATA and publish it as the next version in MODELS
	@$(PY) -m training fit --recipe $(RECIPE) --models $(MODELS) $(if $(DATA),--data $(DATA)) $(if $(FASHION),--fashion $(FASHION)) $(if $(STEPS),--steps $(STEPS))

evaluate: $(VENV)/.dev ## Send all test digits of DATA through a running service and hold the figures against the bars
	@test -n "$(DATA)" || { echo "make evaluate needs DATA=<folder with the four files of MNIST>, or DATA=digits"; exit 2; }
	@$(PY) -m bench.evaluate --data $(DATA) $(if $(FASHION),--fashion $(FASHION))

report: $(VENV)/.train ## Measure VERSION on DATA in full: metrics.json, and report.html to look at
	@$(PY) -m training evaluate $(VERSION) $(if $(DATA),--data $(DATA)) $(if $(FASHION),--fashion $(FASHION))

study: $(VENV)/.train ## Train and measure every recipe on DATA (about two hours), and write docs/recipes.md
	@$(PY) -m training study $(if $(DATA),--data $(DATA)) $(if $(FASHION),--fashion $(FASHION))

test: $(VENV)/.dev ## Run every test; MNIST_DIR and FASHION_DIR name the data that some want
	@$(PY) -m pytest tests/unit -m "not tensorflow" --cov --cov-report=term
	@$(PY) -m pytest tests --ignore=tests/unit

check: $(VENV)/.dev ## Lint, types, the arrows of the house, stale stubs, spelling
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(PY) -m protos.stubs --check
	@$(VENV)/bin/codespell
	@$(VENV)/bin/hadolint Dockerfile

compat: $(VENV)/.dev .venv-serving/.serving-runtime ## Compare the default model with TensorFlow Serving 2.19.1's runtime
	@$(PY) -m bench.compat --python .venv-serving/bin/python --version-dir $(MODELS)/digits/1 $(if $(DATA),--data $(DATA))

scaling: $(VENV)/.dev ## Hold the simulation of docs/scaling.md against a running service (two minutes); SCALING=measure makes the page anew
	@$(PY) -m bench.scaling $(or $(SCALING),check) $(if $(DATA),--data $(DATA))

bulk-test: $(VENV)/.dev ## Kill a bulk job three times, compare it with the service and measure it, on MNIST in DATA (ten minutes)
	@$(PY) -m bench.bulk $(if $(DATA),--data $(DATA))

image-test: $(VENV)/.dev ## Build the images with buildah and run them, as root on Debian without Docker; TARGET=gateway for that one alone
	@GRPC_VERBOSITY=ERROR $(PY) -m deploy.images $(if $(TARGET),--only $(TARGET))

site: $(VENV)/.dev ## Build the documentation as a site in build/site; fails at a dead link or an orphan page
	@$(PY) -m docs.website

real-life: $(VENV)/.dev ## Send 500 test digits of DATA from harsh real life through a running service
	@test -n "$(DATA)" || { echo "make real-life needs DATA=<folder with the four files of MNIST>, or DATA=digits"; exit 2; }
	@$(PY) -m bench.real_life --data $(DATA)

stubs: $(VENV)/.dev ## Make service/wire's generated files from protos/ anew
	@$(PY) -m protos.stubs

model-server: $(VENV)/.embedded ## Serve models/digits as TensorFlow Serving does, on 127.0.0.1:8500 (gRPC) and 8501 (REST)
	@$(if $(filter-out undefined default file,$(origin MODELS)),DIGITCODEC_MODEL__ROOT=$(MODELS)) $(PY) -m service model-server

protocols: $(VENV)/.dev ## Measure what each protocol costs, with the test digits of DATA
	@$(PY) -m bench.protocols $(if $(DATA),--data $(DATA))

thin: $(VENV)/.dev .venv-gateway/.gateway ## Install the gateway alone, without TensorFlow, and run it before a model server
	@$(PY) -m bench.thin --python .venv-gateway/bin/python

fairness: $(VENV)/.dev ## Measure what one caller of large requests costs fifty callers of single images (two minutes)
	@$(PY) -m bench.fairness

bench: $(VENV)/.dev ## Measure the service against a naive server, a bare one and direct calls (three minutes); writes build/bench
	@$(PY) -m bench.speed $(if $(DATA),--data $(DATA)) $(BENCH)

bench-compare: $(VENV)/.dev ## Measure the working tree against the commit BASE, in turn (three minutes)
	@test -n "$(BASE)" || { echo "make bench-compare needs BASE=<commit>, for example BASE=HEAD"; exit 2; }
	@$(PY) -m bench.speed.compare $(if $(DATA),--data $(DATA)) $(BENCH) -- $(BASE)

fuzz: $(VENV)/.dev ## Send odd requests to every door of a service for FUZZ_S seconds (600); findings go to build/fuzz
	@$(PY) -m bench.fuzz --seconds $(or $(FUZZ_S),600) --seed $(or $(FUZZ_SEED),1)

soak: $(VENV)/.dev ## Offer a service twice what it can do for SOAK_S seconds (600), check every answer; writes build/soak
	@GRPC_VERBOSITY=ERROR $(PY) -m bench.soak --seconds $(or $(SOAK_S),600) $(if $(DATA),--data $(DATA))

drain: $(VENV)/.dev ## Send SIGTERM under full load in DRAIN_ROUNDS rounds (20), and count what was sent and answered
	@GRPC_VERBOSITY=ERROR $(PY) -m bench.soak.drain --rounds $(or $(DRAIN_ROUNDS),20) $(if $(DATA),--data $(DATA)) $(DRAIN)

pictures: $(VENV)/.dev ## Draw the pictures of the README and the docs again; needs Debian's chromium
	@$(PY) -m docs.samples && $(PY) -m docs.pictures && $(PY) -m docs.settings_reference
	@$(PY) -m docs.playground_samples && $(PY) -m docs.playground_pictures
	@$(if $(DATA),$(PY) -m docs.how_pictures --data $(DATA) && $(PY) -m docs.tutorial --data $(DATA))

scan: $(VENV)/.dev ## Look over the dependencies: pins, imports, licences, age; writes docs/dependencies.md
	@$(PY) -m bench.scan --write

# Pins with hashes; dev holds all, the others take their versions from it.
COMPILE = $(VENV)/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --quiet
lock: $(VENV)/.dev ## Pin the dependencies of pyproject.toml anew in requirements/
	@$(COMPILE) --extra embedded --extra traces --extra train --extra bulk --extra client --group dev -o requirements/dev.txt
	@$(subst pyproject.toml,requirements/serving-runtime.in,$(COMPILE)) -o requirements/serving-runtime.txt
	@$(COMPILE) -c requirements/dev.txt -o requirements/gateway.txt
	@$(COMPILE) -c requirements/dev.txt --extra embedded -o requirements/embedded.txt
	@$(COMPILE) -c requirements/dev.txt --extra bulk -o requirements/bulk.txt
	@$(COMPILE) -c requirements/dev.txt --extra client -o requirements/client.txt
	@$(COMPILE) -c requirements/dev.txt --extra train -o requirements/train.txt
	@$(COMPILE) -c requirements/dev.txt --extra traces -o requirements/traces.txt

clean: ## Remove .venv, caches and what was built; models stay
	@rm -rf $(VENV) .venv-serving .venv-gateway build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find service training tests bench docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "digitcodec needs Python 3.11 or newer: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)

# TensorFlow 2.19.1 in an environment of its own: two TensorFlows do not fit into one.
.venv-serving/.serving-runtime: requirements/serving-runtime.txt
	@$(PYTHON) -m venv .venv-serving
	@.venv-serving/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

# The gateway as a package in an environment of its own, to see that it needs nothing else.
.venv-gateway/.gateway: requirements/gateway.txt pyproject.toml $(shell find service -name '*.py' -o -name '*.binpb' -o -path 'service/web/*' -type f)
	@$(PYTHON) -m venv .venv-gateway
	@.venv-gateway/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@.venv-gateway/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall .
	@touch $@

# A stamp for each set of requirements: the second time nothing is installed. The sets only grow.
$(VENV)/.%: requirements/%.txt | $(PY)
	@echo "installing requirements/$*.txt into $(VENV)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@
