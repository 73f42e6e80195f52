# The project's commands. Each installs what it needs on a Debian machine and is quick the second time.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lib install uninstall wheel sdist demo test coverage mutate dispatch arm64 sanitize fuzz soak growth
.PHONY: reproducible accuracy bench lint format docs clean

library := build/libpullpush.so
archive := build/libpullpush.a
sources := Package.swift $(shell find Sources include -type f)

help: ## show this list
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

lib: $(library) $(archive) ## build/libpullpush.so and libpullpush.a, the C library (needs libc and libm only)

install: $(library) $(archive) ## the C library into PREFIX (/usr/local), with what pkg-config and CMake need
	scripts/install.sh install

uninstall: ## remove from PREFIX exactly what install put there
	scripts/install.sh uninstall

wheel: .venv/ready ## dist/*.whl, the Python package with the library inside
	scripts/build_packages.sh wheel dist

sdist: .venv/ready ## dist/*.tar.gz, the sources from which pip builds the same
	scripts/build_packages.sh sdist dist

demo: $(library) .venv/ready ## train on the digits that scikit-learn ships and draw build/demo.png
	.venv/bin/python demo/digits.py

test: $(library) $(archive) .venv/ready ## every test: Swift, C, C++, Python
	scripts/test.sh

coverage: $(library) .venv/ready ## the lines that tests run, as pages in build/coverage; all others must be explained
	scripts/coverage.sh

mutate: $(library) .venv/ready ## do the tests notice mistakes in the sources? (ARGS="swift --count 100")
	.venv/bin/python scripts/mutate.py $(ARGS)

dispatch: $(library) ## every C test on emulated processors, with and without AVX2
	Tests/DispatchTests/run.sh $(library) 1

arm64: ## the C library for arm64 in build/arm64, and every C test with it in an emulator
	scripts/cross_arm64.sh

sanitize: $(library) ## the library under valgrind and under sanitizers of memory and threads
	scripts/sanitize.sh $(library)

fuzz: $(library) .venv/ready-to-fuzz ## calls that fuzzers make up, in C and in Python for so many seconds (SECONDS=60)
	scripts/fuzz.sh $(library) $(or $(SECONDS),60)
	scripts/fuzz_python.sh $(or $(SECONDS),60)

soak: $(library) ## so many calls in a row, in which nothing may grow (CALLS=100000000)
	Tests/ProcessTests/run.sh $(library) $(or $(CALLS),100000000)

growth: ## do programs of today run with a library whose structs have grown?
	scripts/check_growth.sh

reproducible: $(library) $(archive) ## does another build give the same libraries, byte for byte?
	scripts/check_reproducible.sh

accuracy: $(library) .venv/ready ## measure errors against exact arithmetic, and write docs/accuracy.md anew
	.venv/bin/python accuracy/measure.py

bench: $(library) .venv/ready-to-bench ## measure speed, beside what the machine can do and other ways (ARGS=--quick)
	.venv/bin/python benchmarks/run.py $(ARGS)

lint: .venv/ready ## style, types and compiler warnings
	scripts/lint.sh

format: .venv/ready ## let the formatters rewrite Swift and Python
	scripts/lint.sh --fix

docs: $(library) .venv/ready ## the documentation as pages in build/site
	.venv/bin/mkdocs build --strict

clean: ## remove everything built, but not .venv
	rm -rf build dist .build .build-*

$(library): $(sources) scripts/build_library.sh scripts/need.sh
	scripts/build_library.sh

$(archive): $(library) scripts/build_static_library.sh
	scripts/build_static_library.sh

.venv/ready: scripts/requirements.txt scripts/constraints.txt docs/requirements.txt scripts/python_env.sh
	scripts/python_env.sh

.venv/ready-to-fuzz: .venv/ready Tests/Fuzz/requirements.txt
	.venv/bin/pip install --quiet --disable-pip-version-check --constraint scripts/constraints.txt \
	    --requirement Tests/Fuzz/requirements.txt
	touch $@

.venv/ready-to-bench: .venv/ready benchmarks/requirements.txt benchmarks/install.sh
	benchmarks/install.sh
