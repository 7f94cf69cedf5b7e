# Two commands: `make demo` and `make test`. Each sets up what it needs, from a hashed lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The official FHIR definitions that tests check with; without npm those tests are skipped, and say so.
FHIR := $(if $(shell command -v npm),tests/fhir/node_modules/.package-lock.json)

export BENTOML_DO_NOT_TRACK := True
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := 1

.PHONY: help demo test check unit sbom bento lock docs site benchmarks measure clean

help:  ## Say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(READY)  ## The main job on simulated patients: train, register, predict, explain, report
	$(BIN)/kappredict demo

test: check unit  ## Lint, types, import rules and tests

check: $(READY)  ## Lint, types and import rules; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(READY) $(FHIR)  ## The tests
	$(BIN)/pytest -n 2 --dist loadfile

docs: $(READY)  ## Generate the pages that derive from code and definitions
	$(BIN)/python -m pipelines.docs

site: docs  ## Build the documentation site into build/site; warnings are errors
	$(BIN)/mkdocs build --strict --quiet

benchmarks: $(READY)  ## Measure speed, as ratios in one run
	$(BIN)/python tests/benchmarks/features.py
	$(BIN)/python tests/benchmarks/simulation.py
	$(BIN)/python tests/benchmarks/explaining.py
	$(BIN)/python tests/benchmarks/serving.py
	$(BIN)/python tests/benchmarks/cds_hooks.py
	$(BIN)/python tests/benchmarks/tuning.py

measure: $(READY)  ## Measure accuracy, intervals, peers and learning curves into docs/, and scale (an hour and a half)
	$(BIN)/python tests/benchmarks/accuracy.py > docs/accuracy.md
	$(BIN)/python tests/benchmarks/intervals.py > docs/intervals.md
	$(BIN)/python tests/benchmarks/learning.py > docs/learning.md
	$(BIN)/python tests/benchmarks/peers.py > docs/peers.md
	$(BIN)/python tests/benchmarks/scale.py > docs/scale.md

sbom: $(READY)  ## Write the software bill of materials of a release (CycloneDX)
	mkdir -p build
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o build/sbom.json

bento: $(READY)  ## Put the service together as a Bento, offline
	$(BIN)/bentoml build --output tag

# What ships (requirements.lock) apart from what tests and docs need besides: only the first goes
# into a container, a Bento and the bill of materials.
LOCK := uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock:  ## Resolve exact versions with hashes
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) --group dev --constraint requirements.lock pyproject.toml -o requirements-dev.lock
	printf 'uv\nhatchling\n' | $(LOCK) --no-annotate - -o bootstrap.lock

# pip installs uv, and uv the rest: the same hashes, in a quarter of the time.
$(READY): bootstrap.lock requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements-dev.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

tests/fhir/node_modules/.package-lock.json: tests/fhir/package-lock.json
	cd tests/fhir && npm ci --omit=peer --no-audit --no-fund --silent
	touch $@

clean:  ## Remove everything that was made
	rm -rf $(VENV) build tests/fhir/node_modules
