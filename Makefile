# Everything there is to do with Lagless. `make` alone says what.
.DEFAULT_GOAL := help
.PHONY: help prerequisites build demo test lint fmt bench docs clean

CARGO ?= cargo
DEMO ?=
BENCH ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

prerequisites: ## what the build needs, installed where that can be done
	@deploy/prerequisites

build: prerequisites ## the programs, in target/release
	$(CARGO) build --release --locked

demo: prerequisites ## the whole story on this machine; options: make demo DEMO='--partitions 6 --help'
	$(CARGO) build --release --locked -p producer -p consumer -p demo
	target/release/demo $(DEMO)

test: prerequisites ## all tests; with KAFKA_BOOTSTRAP_SERVERS they run over that Kafka
	$(CARGO) test --locked --workspace

lint: prerequisites ## formatting, warnings, licences, shell scripts, documents
	deploy/lint

fmt: ## the code as rustfmt wants it
	$(CARGO) fmt

bench: prerequisites ## our speed beside that of Kafka's own tools; see docs/benchmarks.md
	$(CARGO) build --release --locked -p producer -p consumer -p bench
	target/release/bench $(BENCH)

docs: ## docs/configuration.md, from the programs
	deploy/write-docs

clean: ## removes what was built
	$(CARGO) clean
