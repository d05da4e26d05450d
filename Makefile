# Everything from a fresh clone in one word. `make` alone lists the recipes.
# They need GNU make and Python 3.11, 3.12 or 3.13 (PYTHON=python3.12 make run chooses another).

PYTHON ?= python3
BIN := .venv/bin
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml

# The last version that runs on Debian's Node 18; the next ones are twice as large.
AZURITE := 3.35.0

.DEFAULT_GOAL := help
.PHONY: help run test check azurite bench profile chaos mutants format notebook train samples pictures docs sbom lock clean

help:  ## list the recipes
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: .venv/installed  ## serve the web app on http://127.0.0.1:5000 (PORT=… for another)
	$(BIN)/python -m clothing serve

test: .venv/installed-dev $(if $(shell command -v npm),azurite)  ## lint, types and all tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 3 --dist loadfile

check: .venv/installed-dev  ## the same in two minutes: no TensorFlow, browser, Ray, or other processes
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not slow and not keras and not browser and not ray"

azurite: var/azurite/$(AZURITE)  ## install Azure's storage for this computer, for its tests (needs npm)

bench: .venv/installed-bench $(if $(shell command -v npm),azurite)  ## measure speed beside its limit and others: make bench SIZE=2000 PHOTOS=DIR SCALE=1000000
	$(BIN)/python -m benchmarks all --size $(or $(SIZE),2000) \
		$(if $(PHOTOS),--photos "$(PHOTOS)") $(if $(SCALE),--scale "$(SCALE)") $(BENCH)

profile: .venv/installed-bench  ## say where a run's CPU goes, step by step (PHOTOS=DIR)
	$(BIN)/python -m benchmarks profile $(if $(PHOTOS),--photos "$(PHOTOS)")

chaos: .venv/installed-dev $(if $(shell command -v npm),azurite)  ## break it on purpose, many times, and count: make chaos ROUNDS=200 SEED=1
	$(BIN)/python -m chaos --rounds $(or $(ROUNDS),40) --seed $(or $(SEED),1) $(CHAOS)

mutants: .venv/installed-dev  ## make small mistakes in some modules, and list those that no test notices: make mutants MUTANTS=store
	$(BIN)/python -m scripts.mutants $(MUTANTS)

format: .venv/installed-dev  ## put the code into its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

notebook: .venv/installed-dev  ## tell the training story anew: execute model.ipynb (PHOTOS=DIR LABELS=CSV STEPS=DIR)
	$(BIN)/python scripts/execute_notebook.py model.ipynb

train: .venv/installed-dev  ## train on photos that you labelled: make train PHOTOS=DIR LABELS=CSV
	$(BIN)/python -m clothing.training --photos "$(PHOTOS)" --labels "$(LABELS)" $(TRAIN)

samples: .venv/installed-dev  ## draw the sample photos anew
	$(BIN)/python -m scripts.sample_photos

pictures: .venv/installed-dev  ## draw the README's pictures anew: architecture, tables, screenshots (need Chromium)
	$(BIN)/python -m scripts.architecture
	$(BIN)/python -m scripts.tables_diagram
	$(BIN)/python -m scripts.screenshots

docs: .venv/installed-dev  ## write what comes from the code anew: README.md, .env.example, docs, SQL_Scripts
	$(BIN)/python -m scripts.generated_docs
	$(BIN)/python -m scripts.sql_scripts
	$(BIN)/python -m scripts.licences
	$(BIN)/python -m scripts.model_card
	$(BIN)/python -m scripts.api_guide
	$(BIN)/python -m scripts.tables_diagram

sbom: .venv/installed-dev  ## list what Azure gets, for machines: var/sbom.json (CycloneDX)
	mkdir -p var
	$(BIN)/cyclonedx-py requirements requirements-serve.txt --output-file var/sbom.json

lock:  ## resolve the requirements anew (needs uv)
	$(LOCK) --output-file requirements-serve.txt
	$(LOCK) --extra ray --output-file requirements-ray.txt
	$(LOCK) --extra compile --output-file requirements.txt
	$(LOCK) --extra compile --extra dev --output-file requirements-dev.txt
	$(LOCK) --constraint requirements-dev.txt --extra compile --extra dev --extra bench \
		--output-file requirements-bench.txt

clean:  ## remove the environment and everything that was computed; the database too
	rm -rf .venv var .mypy_cache .pytest_cache .ruff_cache

var/azurite/$(AZURITE):
	mkdir -p $(@D)
	npm install --prefix $(@D) --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
		--loglevel=error azurite@$(AZURITE)
	touch $@

.venv/installed: requirements.txt
	$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else 'Python 3.11, 3.12 or 3.13 is needed, this is %d.%d. Try: make PYTHON=python3.12' % v)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

.venv/installed-bench: .venv/installed-dev requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	touch $@
