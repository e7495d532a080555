# What can be done here, each in one word. `make help` lists it.
.PHONY: help demo demo-binary release test first-page bench bench-web web generate fmt lint lowest-rust tidy audit advisories api-docs test-rust test-docs test-web \
	test-generated test-browser test-agents pictures need clean

CARGO ?= cargo
# On two cores the web build and the Rust build take turns.
WEB_DIST := web/dist/index.html
WEB_SOURCES := $(shell find web/src web/index.html web/public -type f 2>/dev/null) web/package.json web/vite.config.ts

help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

need: ## Says what is missing on this machine
	@scripts/need

demo: need ## Builds everything and plays a job in the browser
	@$(MAKE) --no-print-directory --jobs=2 web demo-binary
	target/debug/spectask demo $(DEMO_ARGS)

# A debug build reads the dashboard from web/dist when it is asked for, so both are built side by side.
demo-binary:
	$(CARGO) build --locked --package spectask

first-page: need ## Times what `make demo` does until its page answers
	@scripts/first-page

release: need web ## Builds target/release/spectask, with the dashboard in it
	$(CARGO) build --release --locked --package spectask
	@ls -l target/release/spectask | awk '{ printf "target/release/spectask: %.1f MB\n", $$5 / 1e6 }'

test: need fmt web lint lowest-rust tidy api-docs test-rust test-docs test-generated test-web test-browser test-agents ## Runs every check

bench: need $(WEB_DIST) ## Measures, each figure beside a peer or a limit of the same run
	$(CARGO) bench --locked --package spectask --bench figures
	$(MAKE) bench-web

bench-web: web ## Measures the dashboard in Chromium: 200 tasks, 50 sessions that speak all the time
	$(CARGO) build --quiet --release --locked --package spectask
	cd web && npm run --silent bench

web: $(WEB_DIST) ## Builds the dashboard

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB_DIST): web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run build
	@touch $@

generate: web/node_modules/.package-lock.json ## Writes the OpenAPI document and the types made from it
	$(CARGO) run --quiet --locked --package spectask -- openapi > web/src/api/openapi.json.new
	mv web/src/api/openapi.json.new web/src/api/openapi.json
	cd web && npm run generate

fmt:
	$(CARGO) fmt --all --check

lint: web
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

# The version is in Cargo.toml. Where the compiler is of that version, every other check is one with it.
LOWEST_RUST := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

lowest-rust: web ## Checks with the lowest Rust that is supported
	@case "$$(rustc --version)" in \
		"rustc $(LOWEST_RUST)."*) ;; \
		*) CARGO_TARGET_DIR=target/lowest-rust rustup run $(LOWEST_RUST) $(CARGO) check --workspace --all-targets --locked ;; \
	esac

tidy: ## Checks what compilers do not: layers, dependencies, leftovers
	node scripts/tidy.mjs
	node --test scripts/*.test.mjs

audit: ## Checks dependencies with cargo-deny and cargo-machete, which it installs
	@scripts/audit

advisories: ## Looks for known vulnerabilities of dependencies; needs the network
	@scripts/audit advisories

api-docs: web ## Builds the documentation of the crates without a warning
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked --quiet

# The snapshots that the tests ask for; one that none asks for is refused.
SNAPSHOTS := $(CURDIR)/target/snapshots.txt

# What is played on PostgreSQL too, beside the tests of the store: crews whose sessions change the same rows.
ON_POSTGRES := ^(side_by_side|storm|crew::(one|what|the|threads|a_session_spawns))

test-rust: web
	@mkdir -p target && rm -f $(SNAPSHOTS)
	@export INSTA_SNAPSHOT_REFERENCES_FILE=$(SNAPSHOTS); \
	if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --workspace --locked \
		&& SPECTASK_TEST_ON=postgres $(CARGO) nextest run --workspace --locked -E 'package(spectask) & test(/$(ON_POSTGRES)/)'; \
	else \
		$(CARGO) test --workspace --locked --quiet --lib --bins --tests \
		&& SPECTASK_TEST_ON=postgres $(CARGO) test --package spectask --locked --quiet --test it -- crew:: side_by_side:: storm::; \
	fi
	@node scripts/snapshots.mjs $(SNAPSHOTS)

test-docs: web ## Runs the examples in doc comments
	$(CARGO) test --workspace --doc --locked --quiet

test-generated: web/node_modules/.package-lock.json
	$(CARGO) run --quiet --locked --package spectask -- openapi | diff -u web/src/api/openapi.json - \
		|| { echo "The OpenAPI document is stale: run make generate."; exit 1; }
	cd web && npm run generate:check

test-web: web/node_modules/.package-lock.json
	cd web && npm run check && npm run typecheck && npm test && npm run knip

test-browser: web ## Plays the job in Chromium
	$(CARGO) build --quiet --locked --package spectask
	cd web && npm run e2e

pictures: web ## Takes the documentation's pictures from the running page
	$(CARGO) build --quiet --locked --package spectask
	cd web && npm run --silent pictures

test-agents: web ## Plays jobs with real agents (AGENTS=all: every failure with each), and drives sessions with acpx
	$(CARGO) build --quiet --locked --package spectask
	node tests/agents/run.mjs
	node tests/agents/acpx.mjs

clean: ## Removes what was built
	$(CARGO) clean
	rm -rf web/dist web/node_modules
