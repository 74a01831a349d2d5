# `make` or `make help` says what there is. Nothing is assumed but make and a Python from 3.11 on.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PORT ?= 4566

# The package as it is in the repository; functions get it in a layer.
export PYTHONPATH := layers/contacts

# The first that works: 3.13 is what the functions run on in the cloud, 3.12 and 3.11 are as good for all else.
PYTHON ?= $(shell for python in \
    python3.13 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13*/bin/python \
    python3.12 python3.11 python3.14 python3; do \
    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null \
    && "$$python" -c 'import ensurepip, venv' 2> /dev/null && echo "$$python" && break; done)

dev := .venv/dev/bin

# What runs on Node.js, where there is one. Without it the targets that want it say so, and do the rest.
node := $(if $(and $(shell command -v node),$(shell command -v npm)),.venv/node/installed)
# The same for the condition of an `if`: whether it is there, or npm could install it. It is a make of its own: one
# that shared the outer one's jobs would have to be run by `make -n`, too.
on_node = $(if $(node),MAKEFLAGS= $(MAKE) --silent --no-print-directory $(node),false)

##@ Use

.PHONY: help
help: ## Say what there is
	@awk 'BEGIN { FS = ":.*## " } \
	    /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	    /^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo

.PHONY: run
run: .venv/ministack/installed .venv/sam/installed ## Run the API here until Ctrl-C; PORT=4566 chooses the port
	@exec .venv/ministack/bin/python -m local run --port "$(PORT)"

.PHONY: demo
demo: environments ## Make an account of invented customers on the running stack, once; SIZE=5000, FRESH=1 another, LISTEN=1 its endpoints
	@$(dev)/python -m local.demo_shop $(if $(SIZE),--size "$(SIZE)") $(if $(FRESH),--fresh) $(if $(LISTEN),--listen)

.PHONY: invoke
invoke: environments ## Invoke one function against the running stack: F=get_contact, E=another event of it
	@$(dev)/python -m local.invoke $(F) $(E)

.PHONY: smoke
smoke: .venv/dev/installed ## Try out a running API with a contact of its own: URL=http://127.0.0.1:4566 KEY=sk_live_…
	@KEY="$(KEY)" $(dev)/python -m local.smoke "$(URL)"

.PHONY: load
load: environments ## Import a file into a running API: FILE=people.csv URL=… KEY=… ARGS="--dry-run"; ARGS=--help tells more
	@$(if $(KEY),KEY="$(KEY)") $(if $(URL),API="$(URL)") $(dev)/python -m local.load $(if $(FILE),"$(FILE)") $(ARGS)

.PHONY: drill
drill: environments ## Lose 1,000 contacts of the running stack, and restore them without a sound
	@$(dev)/python -m local.restore_drill

.PHONY: lambda-image
lambda-image: environments ## Make an image for `sam local invoke` where AWS's cannot be pulled (Debian, root, debootstrap)
	@$(dev)/python -m local.lambda_image

##@ Develop

.PHONY: test
test: environments ## Run all tests but those in a browser and in containers; T="tests/unit -k email" chooses some
	@$(dev)/python -m pytest --numprocesses 2 $(T)

.PHONY: test-thorough
test-thorough: environments ## Run all tests, each with all that it can try; T="tests/unit -k email" chooses some
	@CONTACTS_THOROUGH=1 $(dev)/python -m pytest --numprocesses 2 --hypothesis-profile=thorough $(T)

.PHONY: test-docker
test-docker: environments ## Invoke functions with `sam local invoke` in containers; `make lambda-image` first, or a pulled image
	@CONTACTS_DOCKER=1 $(dev)/python -m pytest -rs tests/integration/test_sam_local_invoke.py

.PHONY: test-browser
test-browser: environments .venv/browser/installed ## Use the console in Chromium, on a local stack; T="tests/browser -k contact" chooses some
	@$(on_node) || true # Without axe-core the tests are skipped, and say so.
	@$(dev)/python -m pytest -rs $(or $(T),tests/browser) || test $$? = 5 # 5: none could be run, which -rs explains

.PHONY: check
check: environments ## Check style, types, architecture and template; with Node.js the console's sources, too
	@$(MAKE) --keep-going --jobs 2 check-types check-template check-sam check-console check-imports check-style

# Side by side, the longest first; each tells what it found only when it found something, and then in one piece.
.PHONY: check-types check-template check-sam check-console check-imports check-style
check-types:
	@$(quietly) $(dev)/mypy --no-error-summary
check-template:
	@$(quietly) $(dev)/cfn-lint --append-rules local/lint_rules -- template.yaml monitoring.yaml .github/deploy-roles.yaml
check-sam:
	@AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 $(quietly) .venv/sam/bin/sam validate
check-console:
	@if $(on_node); then $(quietly) $(dev)/python -m local.console check; \
	else echo "Node.js, or what npm installs for it, is not there: the console's sources are not checked" >&2; fi
check-imports:
	@$(quietly) $(dev)/lint-imports
check-style:
	@$(quietly) $(dev)/ruff check --quiet
	@$(quietly) $(dev)/ruff format --quiet --check --diff

quietly = $(dev)/python -m local.quietly

.PHONY: format
format: environments ## Rewrite the sources as `make check` wants them
	@$(dev)/ruff check --quiet --fix-only
	@$(dev)/ruff format --quiet
	@if $(on_node); then $(dev)/python -m local.console format; \
	else echo "Node.js, or what npm installs for it, is not there: the console's sources stay as they are" >&2; fi

.PHONY: vendor
vendor: environments $(node) ## Copy what the console has of npm (htm, Preact) from the packages of the lock
	@$(if $(node),$(dev)/python -m local.console vendor,echo "error: Node.js and npm are not installed" >&2; exit 1)

.PHONY: operation
operation: environments ## Begin an operation: NAME=count_contacts ROUTE="GET /v1/count" FEATURE=search
	@$(dev)/python -m local.new_operation "$(NAME)" "$(ROUTE)" "$(FEATURE)"

.PHONY: openapi
openapi: environments ## Write the OpenAPI document anew, from the code
	@$(dev)/python -m local.openapi

.PHONY: clients
clients: environments .venv/clients/installed $(node) ## Generate clients in Python and TypeScript, check their types, use them on a local stack
	@$(dev)/python -m local.clients

.PHONY: lint-openapi
lint-openapi: environments $(node) ## Hold the OpenAPI document against Spectral's and Redocly's rules (needs Node.js)
	@$(dev)/python -m local.clients lint

.PHONY: audit
audit: .venv/audit/installed ## Ask for advisories about the locked packages; without a service, hold what ships against a dated list
	@.venv/audit/bin/python -m local.audit

.PHONY: pictures
pictures: environments .venv/browser/installed ## Take the README's pictures of the console anew, of what `make demo` made; needs Chromium
	@$(dev)/python -m local.pictures

.PHONY: bench
bench: environments ## Measure speed, round trips, capacity, cost and load; writes docs/cost.md. Apart: python -m bench.imports, bench.console
	@$(dev)/python -m bench

.PHONY: lock
lock: .venv/dev/installed ## Resolve the packages of pyproject.toml anew; UPGRADE=--upgrade takes newer ones
	@$(lock) --group runtime --output-file layers/dependencies/requirements.txt
	@$(lock) --group imports --output-file layers/imports/requirements.txt
	@$(lock) --group dev --constraint layers/dependencies/requirements.txt --constraint layers/imports/requirements.txt \
	    --output-file local/locks/dev.txt
	@$(lock) --group ministack --output-file local/locks/ministack.txt
	@$(lock) --group sam --output-file local/locks/sam.txt
	@$(lock) --group browser --constraint local/locks/dev.txt --output-file local/locks/browser.txt
	@$(lock) --group clients --output-file local/locks/clients.txt
	@$(lock) --group audit --output-file local/locks/audit.txt
	@if command -v npm > /dev/null; then cd local/locks/node && npm install --package-lock-only --silent; \
	else echo "npm is not installed: local/locks/node stays as it is" >&2; fi

lock = $(dev)/uv pip compile pyproject.toml $(UPGRADE) --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-annotate --no-emit-index-url --no-emit-find-links

##@ Clean

.PHONY: clean
clean: ## Forget the local stack: its data, its logs, everything built
	@rm -rf .local .aws-sam

.PHONY: distclean
distclean: clean ## Forget the environments and caches, too
	@rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Environments: one for each lock, made anew when the lock changed.

.PHONY: environments
environments: .venv/dev/installed .venv/ministack/installed .venv/sam/installed

# Its stamp is the lock it was made from: a lock that was only touched changes nothing.
.venv/%/installed: local/locks/%.txt
	@cmp -s $< $@ && touch $@ || $(MAKE) install-$*

install-%:
	@test -n "$(PYTHON)" || { echo "error: a Python from 3.11 on (with venv and pip) is needed and was not found; \
	PYTHON=/path/to/python says where it is" >&2; exit 1; }
	@echo "one moment: installing .venv/$*"
	@rm -rf .venv/$*
	@$(PYTHON) -m venv .venv/$*
	@.venv/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --only-binary :all: \
	    --no-deps --require-hashes --requirement local/locks/$*.txt 2> .venv/$*/pip.log \
	    || { cat .venv/$*/pip.log >&2; echo "error: pip could not install .venv/$*" >&2; exit 1; }
	@cp local/locks/$*.txt .venv/$*/installed

.venv/node/installed: local/locks/node/package-lock.json
	@cmp -s $< $@ && touch $@ || $(MAKE) install-on-node

install-on-node:
	@echo "one moment: installing .venv/node"
	@rm -rf .venv/node && mkdir -p .venv/node
	@cp local/locks/node/package.json local/locks/node/package-lock.json local/locks/node/.npmrc .venv/node/
	@cd .venv/node && npm ci --silent > npm.log 2>&1 || { cat npm.log >&2; echo "error: npm could not install .venv/node" >&2; exit 1; }
	@cp local/locks/node/package-lock.json .venv/node/installed
