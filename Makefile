# The commands people type.  They call cmake and ctest, which do the work.
#
#   make run          build, and start a server with an example that is alive
#   make build        compile into build/bin
#   make test         everything quick: gcc and clang builds, sanitizers, all tests
#   make test-kafka   the tests that need a Kafka broker; test-kafka-long: all of them
#   make bench        measure: the figures of docs/PERFORMANCE.md, about two minutes
#   make bench-parts  measure the parts one by one
#   make bench-kafka  measure queries on a Kafka broker; ORDERS=500000 for a short run
#   make install      copy the programs to PREFIX (/usr/local)
#   make fmt          clang-format every C file
#   make clean        remove the build folders

PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)
comma  := ,
CTEST  := ctest --output-on-failure --no-tests=error -j $(JOBS)

# configure FOLDER OPTIONS: the options are repeated on each call, so that they can change.
configure = cmake -S . -B $(1) -G Ninja $(2) >$(1).log || { cat $(1).log; rm -f $(1).log; false; }; \
	rm -f $(1).log
compile   = cmake --build $(1) -j $(JOBS)

.PHONY: run build test test-gcc test-clang test-sanitize test-kafka test-kafka-long bench \
	bench-parts bench-kafka install fmt clean packages

run: build
	@docs/examples/run.sh

build: packages
	@$(call configure,build)
	@$(call compile,build)

packages:
	@.ci/install-packages.sh

test: test-gcc test-clang test-sanitize

test-gcc: packages
	@$(call configure,build,-DWERROR=ON)
	@$(call compile,build)
	$(CTEST) --test-dir build -LE slow

test-clang: packages
	@$(call configure,build-clang,-DCMAKE_C_COMPILER=clang -DWERROR=ON)
	@$(call compile,build-clang)

test-sanitize: packages
	@$(call configure,build-asan,-DWERROR=ON -DSANITIZE=address$(comma)undefined)
	@$(call compile,build-asan)
	$(CTEST) --test-dir build-asan -L 'unit|sql|server' -LE slow

test-kafka: build
	$(CTEST) --test-dir build -L kafka

test-kafka-long: build
	tests/kafka/run.sh long build

bench: build
	@build/tests/bench/bench_figures build/bin/weir-server
	@build/tests/bench/bench_expr
	@build/tests/bench/bench_statements

# The parts one by one: formats, JSON, state, the broker.
bench-parts: build
	$(CTEST) --test-dir build -L bench --verbose -j 1

bench-kafka: build
	@tests/bench/bench_kafka.sh build/tests/bench/bench_kafka build/bin/weir-server $(ORDERS)

install: build
	cmake --install build --prefix $(PREFIX)

fmt: packages
	find common parser planner exec server cli tests -name '*.[ch]' -exec clang-format -i {} +

clean:
	rm -rf build build-*
