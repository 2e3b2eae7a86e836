# Everything a newcomer, a maintainer and CI type. `make` alone prints the list.
# Needed on the machine: Go, Node.js with npm, and make; the rest is fetched.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test check build bench bench-audit generate migrate fuzz lint format vet generated audit-http differential canary test-vault devenv nodetools cloakroom

# How long each fuzz target runs, in executions: with a time, go test now and then reports its own deadline as a failure.
FUZZTIME ?= 1000000x

# What `make differential` asks about; CI always the same documents.
DIFFERENTIAL ?= -differential.documents 20000 -differential.seed 1

# What `make canary` asks, beside every path and everything that is wrong.
CANARY ?= --documents 10000

# A list of generated files with their contents' hashes, to see whether generating changed any.
SNAPSHOT = git ls-files -co --exclude-standard -- graph resolvers | sort | \
	while read -r file; do if [ -f "$$file" ]; then echo "$$(git hash-object "$$file") $$file"; fi; done

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Both programs are built first and the second is exec'd, so that make's child is devenv itself: `go run` would keep
# a SIGTERM for itself and leave servers behind.
run: build ## Start Cloakroom with demo data, PostgreSQL and Redis included, on http://127.0.0.1:8080
	@exec bin/devenv run -- bin/cloakroom demo

test: devenv nodetools ## Run all tests against a private PostgreSQL and Redis
	@exec bin/devenv test -- go test -race -shuffle=on -timeout 20m ./...

check: FUZZTIME = 10000x
check: CANARY = --documents 5000
check: test format vet lint generated audit-http differential canary fuzz ## Run everything that CI runs

build: devenv cloakroom ## Build bin/cloakroom

bench: build ## Measure, as ratios against the floor (five minutes; BENCH=--small for two, BENCH=--search for search)
	@go build -o bin/bench ./cmd/bench
	@exec bin/devenv test -- bin/bench $(BENCH)

bench-audit: devenv ## Measure what being on record costs writes and services' reads, as ratios to the same without an entry
	@exec bin/devenv test -- go test -run '^$$' -bench '^Benchmark(Audit|ServiceRead)$$' -benchtime 300x ./vault ./resolvers

generate: ## Write what is generated again: graph/, schema.graphql, documents/manifest.json
	go tool gqlgen generate
	go test ./graph -run '^TestSchemaIsCommitted$$' -update
	go test ./documents -run '^TestManifestIsOfTheFiles$$' -update

migrate: build ## Bring the database of `make run`, or of DATABASE_URL, up to date
	@exec bin/devenv run -- bin/cloakroom migrate up

fuzz: devenv ## Fuzz every target for FUZZTIME (1000000x)
	@exec bin/devenv test -- .ci/fuzz $(FUZZTIME)

audit-http: build nodetools ## Hold bin/cloakroom to GraphQL over HTTP: graphql-http's 61 checks
	@exec bin/devenv test -- go test -tags audithttp -run '^TestAuditHTTP$$' -count=1 -v ./cmd/cloakroom

differential: nodetools ## Hold what is a valid document against graphql-js, for 20,000 random documents (DIFFERENTIAL)
	@go test -run '^TestDifferential$$' -count=1 -v -timeout 60m ./leaktest $(DIFFERENTIAL)

canary: build ## Search all that comes out of bin/cloakroom for planted values and credentials, and prove that a leak would be found (CANARY)
	@go build -o bin/canary ./cmd/canary
	@bin/devenv test -- bin/canary $(CANARY)
	@exec bin/devenv test -- bin/canary --prove

test-vault: ## Hold hcvault:// keys against a real Vault, in memory (the first time builds it: ten minutes)
	@echo "building bin/vault"
	@cd tools/vault && go build -o ../../bin/vault .
	go test -race -count=1 -v -run '^(TestMasterKeys|TestVaultIsTinks|TestVaultGoneStaysGone)$$' ./keyring -args -vault $(CURDIR)/bin/vault

lint: ## Run the linters of .golangci.yml (the first time builds them: two minutes)
	go tool -modfile=tools/go.mod golangci-lint run

format:
	@files=$$(git ls-files -co --exclude-standard -- '*.go' | while read -r f; do if [ -f "$$f" ]; then gofmt -l "$$f"; fi; done); \
	if [ -n "$$files" ]; then echo "not formatted, run gofmt -w on:"; echo "$$files"; exit 1; fi

vet:
	go vet ./...

generated:
	@before=$$($(SNAPSHOT)) && go tool gqlgen generate && after=$$($(SNAPSHOT)) && \
	if [ "$$before" != "$$after" ]; then \
		echo "the generated code was out of date: commit what \`make generate\` wrote"; git status --short -- graph resolvers; exit 1; \
	fi

devenv:
	@go build -o bin/devenv ./cmd/devenv

# npm writes its hidden lock file last: older than ours, or not there, means to install.
nodetools:
	@cd tools/node && if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then \
		echo "fetching the tools of tools/node with npm" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; \
	fi

cloakroom:
	@echo "building bin/cloakroom (the first time takes a minute or two)"
	@go build -o bin/cloakroom ./cmd/cloakroom
