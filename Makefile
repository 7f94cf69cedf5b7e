# Two commands: `make demo` and `make test`. Each sets up what it needs, from a hashed lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export BENTOML_DO_NOT_TRACK := True
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := 1

.PHONY: help demo test check unit sbom lock docs site benchmarks measure clean

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

unit: $(READY)  ## The tests
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
	$(BIN)/python tests/benchmarks/tuning.py

measure: $(READY)  ## Measure accuracy, intervals, peers and learning curves into docs/ (an hour)
	$(BIN)/python tests/benchmarks/accuracy.py > docs/accuracy.md
	$(BIN)/python tests/benchmarks/intervals.py > docs/intervals.md
	$(BIN)/python tests/benchmarks/learning.py > docs/learning.md
	$(BIN)/python tests/benchmarks/peers.py > docs/peers.md

sbom: $(READY)  ## Write the software bill of materials of a release (CycloneDX)
	mkdir -p build
	$(BIN)/cyclonedx-py requirements requirements.lock --output-reproducible -o build/sbom.json

lock:  ## Resolve exact versions with hashes
	uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group dev pyproject.toml -o requirements.lock
	echo 'uv' | uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-annotate - -o bootstrap.lock

# pip installs uv, and uv the rest: the same hashes, in a quarter of the time.
$(READY): bootstrap.lock requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

clean:  ## Remove everything that was made
	rm -rf $(VENV) build
