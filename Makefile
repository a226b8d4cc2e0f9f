SHELL := bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
RIG_WORKERS ?= 3
.PHONY: help demo test rig rig-keda test-cluster try-cluster lint presubmit bench bench-strategies bench-planner bench-agent bench-image lock clean

help: ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: ## Replay two weeks of published LLM traffic through the loop, and write the report
	@venv=$$(scripts/setup)
	mkdir -p build
	"$$venv/bin/autoscaler" simulate simulations/demo.yaml --report build/demo.html --timeline build/demo.csv
	echo "Open build/demo.html in a browser."

test: lint ## Set up, then run every check and every test
	@scripts/system-parts
	venv=$$(scripts/setup)
	"$$venv/bin/python" -m pytest -n 2 -q --ignore=tests/cluster
	if said=$$(scripts/rig --check 2>&1); then
	  make --no-print-directory test-cluster
	else
	  echo "test: the tests on a real control plane (tests/cluster) are left out: $$said" >&2
	fi

rig: ## Build a real control plane, owners of replicas and helm from Go modules, into a cache (about 20 minutes on 2 cores, once)
	@scripts/rig >/dev/null

rig-keda: ## Build KEDA for the tests that need it, which make test leaves out (4 GB of memory)
	@scripts/rig rig-keda >/dev/null

test-cluster: rig ## Run the tests on a real control plane (RIG_WORKERS: how many of them at a time)
	@scripts/system-parts
	venv=$$(scripts/setup)
	"$$venv/bin/python" -m pytest -n $(RIG_WORKERS) --dist worksteal -q tests/cluster

try-cluster: rig ## Watch the controller on a real control plane with fake GPU nodes (FOR: how long, else Ctrl-C)
	@scripts/system-parts prometheus
	venv=$$(scripts/setup)
	exec "$$venv/bin/python" -m simulations.try_cluster $(if $(FOR),--for $(FOR))

lint: ## Style, types, layers
	@venv=$$(scripts/setup)
	"$$venv/bin/ruff" check .
	"$$venv/bin/ruff" format --check .
	"$$venv/bin/mypy"
	"$$venv/bin/lint-imports"

presubmit: test ## What must pass before a change lands

bench: ## Measure how fast the simulator replays one workload, and a hundred in one run
	@venv=$$(scripts/setup)
	"$$venv/bin/python" simulations/bench_speed.py

bench-strategies: ## Measure what each strategy costs on recorded traffic (TRACES: their folder), and how late it is
	@venv=$$(scripts/setup)
	"$$venv/bin/python" simulations/bench_strategies.py $(if $(TRACES),--traces $(TRACES))

bench-agent: ## Measure what the node agent costs its node, on a stand-in of the driver's library, for a minute
	@venv=$$(scripts/setup)
	"$$venv/bin/python" -m simulations.bench_agent

bench-planner: ## Measure what a strategy costs by group of recorded traces (TRACES: their folder), at two lead times
	@venv=$$(scripts/setup)
	"$$venv/bin/python" simulations/bench_planner.py $(if $(TRACES),--traces $(TRACES))

bench-image: ## Build what the image holds, without Docker, and measure its size and its start
	@venv=$$(scripts/setup)
	"$$venv/bin/python" simulations/bench_image.py

lock: ## Renew the lock files from pyproject.toml
	@venv=$$(scripts/setup)
	UV_CUSTOM_COMPILE_COMMAND="make lock" "$$venv/bin/uv" pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 --extra gpu pyproject.toml -o requirements.lock
	UV_CUSTOM_COMPILE_COMMAND="make lock" "$$venv/bin/uv" pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 --extra gpu --group dev pyproject.toml -o requirements-dev.lock

clean: ## Remove what was built here
	@rm -rf build
