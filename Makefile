# SPDX-License-Identifier: GPL-2.0
# The only entry point. Recipes call the scripts; the scripts know the rest.

export OUT KDIR FEATURES KERNEL LEVEL T B BASE P F SEPTET_REQUIRE JSON CONFIG
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.PHONY: help doctor demo check soak lint bench shell series refresh apply unapply status deb version clean distclean

help: ## this text
	@echo "Septet: seven kernel features for Linux 6.12. Targets:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'
	@echo "Variables: FEATURES=\"a b\" KERNEL=plain|debug|stock LEVEL=quick|full T=pattern B=pattern JSON=1"
	@echo "  BASE=tarball (instead of Debian's)  OUT=folder (default out/)  SEPTET_REQUIRE=1 (absent = failed)"
	@echo "Exit codes of the scripts (make prints them as \"Error N\" and itself exits with 2):"
	@sed -n 's/^    "[a-z]*": (\([0-9]*\), "\(.*\)"),$$/  \1|\2/p' scripts/common.py | awk -F'|' '{ printf "%5s  %s\n", $$1, $$2 }'

doctor: ## what this machine has and misses, time, disk and download
	@scripts/doctor report

demo: ## everything once: packages, base, series, kernel, a guest, before/after
	@scripts/doctor install demo
	@scripts/demo.py

shell: ## a shell in the guest
	@scripts/doctor install shell
	@scripts/boot.py shell

check: ## lint, tests of scripts and tools, all kernel tests in a guest
	@scripts/doctor install check
	@scripts/ktap.py check

soak: ## the same at LEVEL=full: hours
	@scripts/doctor install check
	@LEVEL=full scripts/ktap.py check

lint: ## checks that boot nothing (T=pattern selects)
	@scripts/doctor install lint
	@scripts/lint.py

bench: ## instructions per operation and wall-time ratios, stock against ours
	@scripts/doctor install bench
	@bench/run.py

series: ## the patches as mail for git am, in OUT/series
	@scripts/doctor install series
	@scripts/series.py write

refresh: ## P=patches/F/NN-x.patch [F="new files"]: take edits of OUT/septet/src into a patch
	@scripts/doctor python
	@scripts/series.py refresh "$(P)"

apply: ## KDIR=tree [FEATURES=]: put the series into a 6.12.y tree of yours
	@scripts/doctor python
	@scripts/tree.py apply

unapply: ## KDIR=tree: take it out again, byte for byte
	@scripts/doctor python
	@scripts/tree.py unapply

status: ## KDIR=tree: what is in it
	@scripts/doctor python
	@scripts/tree.py status

deb: ## Debian packages of the tools and of the kernel (CONFIG=file)
	@scripts/doctor install deb
	@packaging/deb-tools
	@packaging/deb-kernel

version: ## release, commit, tested bases
	@scripts/doctor python
	@scripts/tree.py version

clean: ## remove what was built, keep sources and downloads
	@scripts/doctor python
	@scripts/tree.py clean

distclean: ## remove all of OUT
	@scripts/doctor python
	@scripts/tree.py distclean
