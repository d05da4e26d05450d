# Everything from a fresh clone in one word. `make` alone lists the recipes.
# They need GNU make and Python 3.11, 3.12 or 3.13 (PYTHON=python3.12 make run chooses another).

PYTHON ?= python3
BIN := .venv/bin
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run test check format notebook samples screenshots docs lock clean

help:  ## list the recipes
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: .venv/installed  ## serve the web app on http://127.0.0.1:5000 (PORT=… for another)
	$(BIN)/python -m clothing serve

test: .venv/installed-dev  ## lint, types and all tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest

check: .venv/installed-dev  ## the same without what needs TensorFlow or a browser
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not keras and not browser"

format: .venv/installed-dev  ## put the code into its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

notebook: .venv/installed-dev  ## train the model: execute model.ipynb anew
	$(BIN)/python scripts/execute_notebook.py model.ipynb

samples: .venv/installed-dev  ## draw the sample photos anew
	$(BIN)/python -m scripts.sample_photos

screenshots: .venv/installed-dev  ## take the README's pictures anew (needs Chromium)
	$(BIN)/python -m scripts.screenshots

docs: .venv/installed-dev  ## write the generated parts of README.md and .env.example anew
	$(BIN)/python -m scripts.generated_docs

lock:  ## resolve the requirements anew (needs uv)
	$(LOCK) --output-file requirements-serve.txt
	$(LOCK) --extra compile --output-file requirements.txt
	$(LOCK) --extra compile --extra dev --output-file requirements-dev.txt

clean:  ## remove the environment and everything that was computed; the database too
	rm -rf .venv var .mypy_cache .pytest_cache .ruff_cache

.venv/installed: requirements.txt
	$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else 'Python 3.11, 3.12 or 3.13 is needed, this is %d.%d. Try: make PYTHON=python3.12' % v)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@
