# Everything there is to do with Lagless. `make` alone says what.
.DEFAULT_GOAL := help
.PHONY: help prerequisites build demo test page-test page-pictures lint fmt bench docs clean
.PHONY: chart-test up down images next-images load operators install uninstall e2e compare

CARGO ?= cargo
# Of the whole workspace, so that what is built for one of them is not built again for another. What is built already,
# by `cargo build --workspace --all-targets` for instance, is taken as it is with PROFILE=dev BUILD=:.
BUILD = $(CARGO) build --locked --workspace --profile $(PROFILE)
# What the demo and the benchmarks are built as; PROFILE=dev builds sooner and runs slower.
PROFILE ?= release
PROGRAMS = target/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
DEMO ?=
BENCH ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

prerequisites: ## what the build needs, installed where that can be done
	@deploy/prerequisites

build: prerequisites ## the programs, in target/release
	$(CARGO) build --release --locked

demo: prerequisites ## the whole story on this machine; options: make demo DEMO='--partitions 6 --help'
	$(BUILD) --bin producer --bin consumer --bin monitor --bin demo
	$(PROGRAMS)/demo $(DEMO)

test: prerequisites ## all tests; with KAFKA_BOOTSTRAP_SERVERS they run over that Kafka
	$(CARGO) test --locked --workspace

page-test: prerequisites ## the live page in a real Chromium; its pictures are then in target/page
	deploy/browser-tools
	mkdir -p target/page
	BROWSER_TOOLS=$(CURDIR)/target/browser-tools PAGE_PICTURES=$(CURDIR)/target/page \
	  $(CARGO) test --locked --workspace --test page

page-pictures: prerequisites ## the README's pictures of the live page, taken during the demo
	deploy/page-pictures

lint: prerequisites ## formatting, warnings, licences, shell scripts
	deploy/lint

fmt: ## the code as rustfmt wants it
	$(CARGO) fmt

bench: prerequisites ## our speed beside that of Kafka's own tools; see docs/benchmarks.md
	$(BUILD) --bin producer --bin consumer --bin monitor --bin bench
	$(PROGRAMS)/bench $(BENCH)

docs: ## docs/configuration.md, from the programs, and the chart's table of values
	deploy/write-docs
	deploy/check-chart --write-values

chart-test: ## the Helm chart: lint, unit tests, Kubernetes' schemas, the table of values, alerts, dashboards
	deploy/check-chart

up: ## a kind cluster with Strimzi and all of Lagless; WITH='prometheus keda' for these too
	deploy/up

down: ## removes that cluster
	kind delete cluster --name lagless

images: ## the container images lagless/{producer,consumer,monitor,audit}; IMAGES=registry.example.com/lagless for others
	deploy/images

load: ## brings them to the current cluster: into kind or minikube, by LOAD_IMAGE, else by their registry
	deploy/load

operators: ## what the chart builds on, in the current cluster: Strimzi; WITH='prometheus keda' for these too
	deploy/operators

install: ## installs or upgrades the chart in the current cluster; NAMESPACE=lagless, HELM_OPTIONS='--set …'
	deploy/install

uninstall: ## and removes it again
	helm uninstall lagless --namespace $(or $(NAMESPACE),lagless) --wait

e2e compare: PROFILE = dev

e2e: $(if $(SKIP_BUILD),,images load next-images) ## the end-to-end test in the current cluster; options: make e2e E2E=--help, SKIP_BUILD=1
	$(BUILD) --bin e2e
	$(PROGRAMS)/e2e $(if $(IMAGES),--images $(IMAGES)) $(E2E)

# The same images under another tag, and with other labels: what an upgrade goes to in the end-to-end test.
next-images:
	TAG=next deploy/images
	TAG=next deploy/load

compare: $(if $(SKIP_BUILD),,images load) ## the same burst under each way to scale, with KEDA and prometheus-adapter; options: make compare COMPARE=--help
	$(BUILD) --bin compare
	$(PROGRAMS)/compare $(if $(IMAGES),--images $(IMAGES)) $(COMPARE)

clean: ## removes what was built
	$(CARGO) clean
