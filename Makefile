# `make run` starts the whole service; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEV := $(VENV)/.dev-installed
RUN := $(VENV)/.installed
STATIC := staticfiles/staticfiles.json
PO := jobs/locale/ja/LC_MESSAGES/django.po

.PHONY: FORCE help run demo test soak soak-postgres bench bench-quick screenshots check format messages requirements clean

help:  ## List the commands.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

run: $(RUN) .env $(STATIC)  ## Install, prepare the database, and run web, worker and (without a RunComfy token) the sandbox.
	@$(BIN)/python manage.py up

demo: $(RUN) .env $(STATIC)  ## One edit of two pictures through the API, in a throw-away database.
	@$(BIN)/python manage.py demo

test: $(DEV) $(STATIC)  ## The tests, on SQLite and on PostgreSQL, Redis and S3 where they are there.
	@$(BIN)/python -m tests.matrix

test-next: ## The tests on SQLite with Python 3.13 and Django 6.1.
	@$(MAKE) --no-print-directory VENV=.venv-next PYTHON="$(or $(PYTHON_NEXT),python3.13)" test-sqlite

# Without the browser: its tests ask the same pages, which the others have asked on both.
test-sqlite: $(DEV) $(STATIC)
	@$(BIN)/python -m tests.matrix --only-sqlite --ignore=tests/browser

soak: $(DEV)  ## Kill processes at random while they work, and count what is lost. SOAK_JOBS=200 SOAK_SEED=…
	@$(BIN)/python -m tests.soak

soak-postgres: $(DEV)  ## The same on PostgreSQL, Redis and S3, with three workers that share no disk.
	@$(BIN)/python -m tests.soak --database postgres --files s3 --clusters 3

bench: $(DEV) $(STATIC)  ## Measure against the budgets; the results go to bench/RESULTS.md. BENCH="pages history" for some.
	@$(BIN)/python -m bench $(BENCH)

bench-quick: $(DEV) $(STATIC)  ## The same, short and rough: to see that it works. BENCH="pages history" for some.
	@$(BIN)/python -m bench --quick $(BENCH)

screenshots: $(DEV) $(STATIC)  ## Pictures of every page, on a desktop and on a phone, into docs/screenshots (needs Chromium).
	@$(BIN)/python -m tests.browser.screenshots

check: $(DEV)  ## Format, lint, types, imports, migrations, deployment settings, templates.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@READ_DOT_ENV=false SECRET_KEY=check $(BIN)/mypy
	@$(BIN)/lint-imports
	@READ_DOT_ENV=false SECRET_KEY=check $(BIN)/python manage.py makemigrations --check --dry-run
	@READ_DOT_ENV=false SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
		RUNCOMFY_API_TOKEN=check PUBLIC_BASE_URL=https://desk.example.com \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(BIN)/djlint templates --lint --quiet

format: $(DEV)  ## Format and mend what can be mended by itself.
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

messages: $(DEV)  ## Collect the texts of all pages into jobs/locale, and compile the translations (needs gettext).
	@command -v xgettext >/dev/null || { echo "xgettext is not here. Install gettext: apt-get install gettext"; exit 1; }
	@READ_DOT_ENV=false SECRET_KEY=messages $(BIN)/python manage.py makemessages --locale ja --no-obsolete --no-wrap \
		--add-location file --ignore 'static*' --ignore 'tests/*' --ignore 'sandbox/*' --ignore 'bench/*' \
		--ignore 'examples/*' --ignore 'docs/*'
	@$(BIN)/python -c 'import polib; polib.pofile("$(PO)", wrapwidth=0).save_as_mofile("$(PO:.po=.mo)")'

requirements: $(DEV)  ## Pin the newest versions that fit the .in files.
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 requirements-dev.in -o requirements-dev.txt

clean:  ## Remove what was installed and built. Data in var/ and .env stay.
	rm -rf .venv .venv-next staticfiles .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(STATIC): $(RUN) $(shell find static -type f)
	@READ_DOT_ENV=false SECRET_KEY=collecting $(BIN)/python manage.py collectstatic --noinput --clear --verbosity 0

# Also when somebody wrote the file before the first start, with a token or from the example.
.env: FORCE | $(RUN)
	@grep -qs '^SECRET_KEY=.' .env || { umask 077; touch .env; grep -v '^SECRET_KEY=' .env > .env.new; \
		$(BIN)/python -c "import secrets; print('SECRET_KEY=' + secrets.token_urlsafe(50))" >> .env.new; \
		mv .env.new .env; echo "Put a new SECRET_KEY into .env; .env.example explains what else can stand there."; }

FORCE:

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON to one.")'
	@$(PYTHON) -m venv $(VENV)

$(RUN): requirements.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(RUN)
