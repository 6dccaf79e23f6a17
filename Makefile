# `make` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

GO ?= go
# Tools are pinned in a module of their own, which keeps go.mod to what the
# programs themselves need.
TOOL := $(GO) tool -modfile=tools/go.mod

# How long each fuzz target of `make fuzz` runs, how often each benchmark of
# `make bench` and each program of `make bench-peers` does, and which benchmarks
# and packages `make bench` and `make golden` look at.
FUZZTIME ?= 10s
COUNT ?= 10
ROUNDS ?= 5
BENCH ?= .
PKG ?= ./...

.PHONY: help
help: ## this list
	@echo "Usage: make TARGET"; echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## the programs, into bin/
	$(GO) build -o bin/ ./cmd/...

.PHONY: test
test: deps lint ## what CI runs: formatting, go vet, the linters, all tests
	$(GO) test ./...

# The tests need Go and what go.mod names, and on a new machine they fetch that
# themselves. Fetching it first tells a failure of the network from one of ours.
.PHONY: deps
deps: ## fetch what the tests need
	$(GO) mod download

.PHONY: lint
lint: ## gofmt, go vet, golangci-lint
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "not formatted; run make fmt:"; echo "$$files"; exit 1; fi
	$(GO) vet ./...
	$(TOOL) golangci-lint run

.PHONY: fmt
fmt: ## format all files as lint wants them
	$(TOOL) golangci-lint fmt

.PHONY: race
race: ## all tests under the race detector
	$(GO) test -race ./...

# go test fuzzes one target of one package at a time.
.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (10s)
	@{ grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . || true; } | xargs -r -n1 dirname | sort -u | while read -r dir; do \
		grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$$dir"/*_test.go | sed 's/^func //' | sort -u | while read -r target; do \
			echo "== $$dir $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$dir"; \
		done; \
	done

.PHONY: bench
bench: ## the benchmarks that match BENCH, COUNT (10) times, into results/bench.txt
	@mkdir -p results
	$(GO) test -run '^$$' -bench '$(BENCH)' -count $(COUNT) $(PKG) | tee results/bench.txt
	$(TOOL) benchstat results/bench.txt

.PHONY: bench-peers
bench-peers: ## the event queue beside those of ns-3 and SimPy (Debian packages)
	@missing=; for p in g++ libns3-dev python3-simpy3; do \
		[ "$$(dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null)" = installed ] || missing="$$missing $$p"; \
	done; \
	if [ -n "$$missing" ]; then \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing; } >&2; \
	fi
	@$(GO) run ./bench/peers -rounds $(ROUNDS)

SCALE_ROUNDS ?= 5

.PHONY: scale
scale: ## what trials cost as their work grows, into docs/scale.md and docs/img
	$(GO) run ./bench/scale -rounds $(SCALE_ROUNDS)

LIMITS ?= results/mimic-mismatch-140

.PHONY: limits
limits: ## what policy mimic cannot help, into docs/img: run mimic-mismatch first
	$(GO) run ./bench/limits -results $(LIMITS)

.PHONY: golden
golden: ## rewrite the golden files of PKG; read the diff before you commit it
	@dirs=$$({ grep -rlE 'flag\.Bool(Var)?\(.*"update"' --include='*_test.go' $$($(GO) list -f '{{.Dir}}' $(PKG)) || true; } | xargs -r -n1 dirname | sort -u); \
	if [ -z "$$dirs" ]; then echo "no package of $(PKG) has golden files"; else $(GO) test $$dirs -update; fi
	@git --no-pager diff --stat -- '*testdata*'

.PHONY: record
record: ## record the event log of cmd/mhbalance's tests anew, on real i2pd routers
	MULTIHOME_TESTNET_REQUIRED=1 $(GO) test ./cmd/mhbalance -count 1 -timeout 10m -run '^TestRecord$$' -v -record
	$(GO) test ./cmd/mhbalance -count 1 -run '^TestReplay$$'

.PHONY: pictures
pictures: ## the pictures of README.md, made anew
	rm -rf results/pictures && $(GO) run ./cmd/mhsim run four-routers --out results/pictures >/dev/null
	cp results/pictures/plots/accumulation.svg results/pictures/plots/distinct-per-leaseset.svg docs/img/

# What each policy shows and pays. Commit what it is made of before: the figures name
# the commit of the program, and changed files spoil it.
.PHONY: price
price: ## what policies leak and pay, into mhsim policies and docs/img
	rm -rf results/price && mkdir -p results/price
	$(GO) build -buildvcs=true -o bin/mhsim ./cmd/mhsim
	bin/mhsim run price --out results/price/price >/dev/null
	bin/mhsim run price-faults --out results/price/price-faults >/dev/null
	bin/mhsim policies --from results/price/price --from results/price/price-faults --csv > results/price/policies.csv
	cp results/price/policies.csv cmd/mhsim/policies.csv
	cp results/price/price/plots/leak-against-price.svg docs/img/leak-against-price.svg
	cp results/price/price-faults/plots/leak-against-price.svg docs/img/leak-against-price-faults.svg
	$(GO) test ./cmd/mhsim -count 1 -run '^TestPolicies$$' -update

.PHONY: null-long
null-long: ## the long null controls, 200 seeds each (ten minutes or more)
	MULTIHOME_LONG=1 $(GO) test -timeout 0 -run 'TestNullLong' -v ./sim/game

.PHONY: stats-long
stats-long: ## how often all intervals cover the truth, then null-long
	MULTIHOME_LONG=1 $(GO) test -count 1 -timeout 0 -v ./analysis/...
	$(MAKE) null-long

# Carriers of clients are killed in LIVE_NETWORKS networks beside the one in which nothing
# fails; each network is 32 routers. A report without a measurement:
# go run ./bench/live -report -out results/live-long -docs docs
LIVE_FOR ?= 26m
LIVE_FAULTS ?= 10
LIVE_NETWORKS ?= 3

.PHONY: live-long
live-long: ## the balancer over networks of real i2pd, half an hour, into docs/live-results.md
	rm -rf results/live-long && mkdir -p results bin
	$(GO) build -o bin/live-long ./bench/live
	bin/live-long -for $(LIVE_FOR) -faults $(LIVE_FAULTS) -networks $(LIVE_NETWORKS) -out $(CURDIR)/results/live-long -docs docs

# Two networks of 48 routers, one for each version of i2pd; REALISM_I2PD is the newer
# one (2.58.0), the older is I2PD (Debian's 2.45.1).
I2PD ?= /usr/sbin/i2pd
REALISM_I2PD ?= i2pd
REALISM_FOR ?= 45m

.PHONY: live-realism
live-realism: ## real i2pd routers recorded (45 minutes), and the simulated ones beside them
	rm -rf results/realism && mkdir -p results/realism
	$(GO) test -c -o results/realism/test ./cmd/internal/realism
	cd results/realism && for i2pd in $(I2PD) $(REALISM_I2PD); do \
		version=$$($$i2pd --version | sed -nE '1s/^i2pd version ([0-9.]+).*/\1/p'); \
		MULTIHOME_I2PD=$$i2pd ./test -test.run '^TestRecord$$' -record $$PWD/raw-$$version.jsonl -span $(REALISM_FOR) -poll 0 & \
	done; wait
	cd results/realism && for raw in raw-*.jsonl; do \
		./test -test.v -test.run '^TestRaw$$' -raw $$raw -write i2pd-$${raw#raw-}.gz; \
	done

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf bin results
