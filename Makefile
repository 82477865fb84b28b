# fakefocus: bare `make` lists what there is.
PYTHON ?= python3
VENV ?= .venv
# tests side by side, each with about 2 GB of memory
WORKERS ?= 2
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
KEDRO := PATH="$(abspath $(BIN)):$$PATH" $(BIN)/kedro

.DEFAULT_GOAL := help
.PHONY: help install demo app test test-fast lint docs notebooks wheel bench viz viz-build mlflow clean clean-all

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | awk -F'\t' '{printf "  make %-9s %s\n", $$1, $$2}'

install: $(STAMP)  ## make the virtual environment (several GB) with everything; nothing to do when up to date

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "fakefocus needs Python 3.11 or newer: make PYTHON=python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: install  ## run all seven stages on the demo corpus and write the report
	$(KEDRO) run --pipelines=lineage
	@echo "report: data/08_reporting/demo/report.html    runs: make mlflow    lineage: make viz"

ROOMS := imaging metrics sources
test: install lint  ## lint, types, import contracts, tests; at least 95 % of the lines of three rooms are covered
	$(BIN)/python -m pytest -n $(WORKERS) $(ROOMS:%=tests/%) $(ROOMS:%=--cov=fakefocus.%) --cov-report=term:skip-covered --cov-fail-under=95
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ROOMS:%=--ignore=tests/%)

test-fast: install  ## the tests that need no lineage, process or browser: under a minute
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

lint: install  ## ruff, types, import contracts, the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pre-commit validate-config
	$(BIN)/hadolint Dockerfile
	$(BIN)/lint-imports

docs: install  ## write the documentation to build/docs, and check its links
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "docs: build/docs/index.html    look at them: $(BIN)/python -m http.server --bind 127.0.0.1 --directory build/docs 8000"

notebooks: install  ## run the notebooks on the demo (make demo first); outputs go to build/notebooks
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python notebooks/run.py

wheel: install  ## write the wheel, with the graphs that answer without torch, and an archive of the configuration, to dist/
	$(BIN)/python -m fakefocus.prediction.packing
	$(KEDRO) package
	@ls -sh dist

bench: install  ## measure the speed of what matters, in ratios, beside what was stored before (benchmarks/latest.json)
	$(BIN)/python -m benchmarks

app: install  ## ask detectors about a file in a browser, on http://127.0.0.1:8501
	$(BIN)/fakefocus app

viz: install  ## show the lineage in Kedro-Viz, on http://127.0.0.1:4141
	$(KEDRO) viz run --pipeline lineage --host 127.0.0.1 --port 4141 --include-hooks --no-browser

viz-build: install  ## write the lineage as a static site with previews, to build/, for any web server
	$(KEDRO) viz build --include-hooks --include-previews
	@echo "site: build/    look at it: $(BIN)/python -m http.server --bind 127.0.0.1 --directory build 4142"

mlflow: install  ## show the runs in the MLflow UI, on http://127.0.0.1:5000
	@echo "runs: http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning"
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(BIN)/mlflow ui --host 127.0.0.1 --workers 1 --backend-store-uri sqlite:///$(CURDIR)/mlruns/mlflow.db

clean:  ## delete what can be made again: crops, maps, reports, caches (not trained detectors, runs, splits or your media)
	rm -rf data/01_raw/demo data/01_raw/benchmark data/02_*/* data/03_*/* data/04_*/* data/07_*/* data/08_*/*
	rm -rf .viz build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf src/fakefocus/weights/*/graph-* src/fakefocus/detection/graphs

clean-all: clean  ## delete trained detectors, their splits and the tracked runs as well; asks first
	@printf 'delete all trained detectors (data/06_models), splits (data/05_model_input) and runs (mlruns)? [y/N] '; \
	  read answer; [ "$$answer" = y ] || { echo "nothing more was deleted"; exit 1; }
	rm -rf data/05_*/* data/06_*/* mlruns
