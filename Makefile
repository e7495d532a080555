# The project's commands. `make demo` plays the main job in a browser, `make test` runs every check.

.PHONY: help test

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

test: ## every check
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --workspace --locked --no-tests=pass; else cargo test --workspace --locked; fi
