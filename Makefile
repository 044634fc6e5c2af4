# make, or make help, lists the targets.
GO ?= go
FUZZTIME ?= 10s

.DEFAULT_GOAL := help
.PHONY: help check test race demo torture build fuzz-smoke

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check: ## what CI runs: format, vet, staticcheck, tidy, build, alerts, model, demo, torture, benchmark, tests
	./.ci/run

test: ## all tests; they start their own Postgres and NATS
	$(GO) test ./...

race: ## all tests with the race detector (needs a C compiler)
	$(GO) test -race ./...

demo: ## the whole thing on this machine, nothing to set up
	$(GO) run ./cmd/worker demo

torture: ## kill, hang and cut off everything, and compare the books (about 2 minutes)
	$(GO) run ./cmd/torture

build: ## small static programs without the embedded servers, in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -tags noembed -ldflags '-s -w' -o bin/ ./cmd/worker ./cmd/replay ./cmd/reconcile

fuzz-smoke: ## each fuzz target for FUZZTIME (10s)
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done
