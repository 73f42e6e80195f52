# The project's commands. Each installs what it needs on a Debian machine and is quick the second time.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lib demo test bench lint format docs clean

library := build/libpullpush.so
sources := Package.swift $(shell find Sources include -type f)

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 14

lib: $(library) ## build/libpullpush.so, the C library (Embedded Swift: needs libc and libm only)

demo: $(library) .venv/ready ## train on the digits that scikit-learn ships and draw build/demo.png
	.venv/bin/python demo/digits.py

test: $(library) .venv/ready ## every test: Swift, C, C++, Python
	scripts/test.sh

bench: $(library) .venv/ready ## measure speed and accuracy
	.venv/bin/python benchmarks/run.py

lint: .venv/ready ## style, types and compiler warnings
	scripts/lint.sh

format: .venv/ready ## let the formatters rewrite Swift and Python
	scripts/lint.sh --fix

docs: $(library) .venv/ready ## the documentation as pages in build/site
	.venv/bin/mkdocs build --strict

clean: ## remove everything built, but not .venv
	rm -rf build .build .build-embedded

$(library): $(sources) scripts/build_library.sh scripts/need.sh
	scripts/build_library.sh

.venv/ready: scripts/requirements.txt docs/requirements.txt scripts/python_env.sh
	scripts/python_env.sh
