# certline: everything is built under build/.  `make help` lists the targets.

CC           ?= cc
CFLAGS       ?= -O2 -g
PREFIX       ?= /usr/local
SYSCONFDIR   ?= /etc
LOCALSTATEDIR ?= /var
DESTDIR      ?=
PKG_CONFIG   ?= pkg-config
SAN          ?=
B            ?= build

VERSION      := 0.1.0
# where the people behind a build are found, for CAs that have to complain: " (+https://...)" in User-Agent
HOMEPAGE     ?=
PACKAGES     := libssl libcrypto libcurl jansson inih libidn2 ldns

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wformat=2 \
	-Wvla -Walloca -Wundef -Wswitch-enum
ALL_CPPFLAGS := -D_GNU_SOURCE -Isrc -include src/base/banned.h -DCERTLINE_VERSION='"$(VERSION)"' \
	-DCERTLINE_AGENT='"certline/$(VERSION)$(if $(HOMEPAGE), (+$(HOMEPAGE)))"' \
	-DSYSCONFDIR='"$(SYSCONFDIR)"' -DLOCALSTATEDIR='"$(LOCALSTATEDIR)"' $(CPPFLAGS)
ALL_CFLAGS := -std=c11 $(WARN) -fstack-protector-strong -fno-common $(CFLAGS)
ifneq ($(SAN),)
ALL_CFLAGS += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
ALL_LDFLAGS := -fsanitize=$(SAN)
endif
ALL_LDFLAGS += -Wl,-z,relro,-z,now $(LDFLAGS)
LIB_CFLAGS  = $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
# libunbound's own .pc file asks for development packages that nothing here needs
LIBS        = $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lunbound

LAYERS := base core sys io dns tls acme run cmd
SRC  := $(foreach l,$(LAYERS),$(sort $(wildcard src/$(l)/*.c)))
OBJ  := $(SRC:src/%.c=$(B)/obj/%.o)
UNIT := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_BIN := $(UNIT:tests/unit/%.c=$(B)/unit/%)
FUZZ := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BIN := $(FUZZ:tests/fuzz/%.c=$(B)/fuzz/%)
MAN  := man/certline.8 man/certline.conf.5 man/certline-hooks.7
SHARE = $(DESTDIR)$(PREFIX)/share

all: $(B)/certline                     ## the program, build/certline

help:                                  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

# Building ------------------------------------------------------------------------------------------

$(B)/packages:
	@mkdir -p $(@D)
	@for p in $(PACKAGES); do $(PKG_CONFIG) --exists $$p || missing="$$missing $$p"; done; \
	echo '#include <unbound.h>' | $(CC) $(CPPFLAGS) -E -o /dev/null - 2>/dev/null || \
		missing="$$missing libunbound"; \
	[ -z "$$missing" ] || { echo "missing:$$missing (on Debian: tests/deps.sh build installs what" \
		"provides them: libssl-dev libjansson-dev libinih-dev libidn2-dev " \
		"libldns-dev libunbound-dev)" >&2; exit 1; }
	@touch $@

# what everything was built with: other folders, flags or sanitizers build it anew
$(B)/flags: FORCE | $(B)/packages
	$(file >$@.new,$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS))
	@if cmp -s $@.new $@; then rm -f $@.new; else mv -f $@.new $@; fi

$(B)/certline: $(B)/obj/main.o $(B)/libcertline.a
	@echo "  LD    $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/libcertline.a: $(OBJ)
	@rm -f $@
	@ar rcs $@ $(OBJ)

$(B)/obj/%.o: src/%.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(ALL_CPPFLAGS) $(LIB_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/unit/%: tests/unit/%.c $(B)/libcertline.a
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	@$(CC) $(ALL_CPPFLAGS) $(LIB_CFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< \
		$(B)/libcertline.a $(LIBS) -lcmocka

$(B)/sim: tests/sim/sim.c $(B)/libcertline.a
	@echo "  TEST  $@"
	@$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(B)/libcertline.a $(LIBS)

$(B)/worlds: tests/sim/worlds.c $(B)/libcertline.a
	@echo "  TEST  $@"
	@$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(B)/libcertline.a $(LIBS)

$(B)/acme_bare: tests/bench/acme_bare.c $(B)/libcertline.a
	@echo "  TEST  $@"
	@$(CC) $(ALL_CPPFLAGS) $(LIB_CFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(B)/libcertline.a $(LIBS)

# Trying --------------------------------------------------------------------------------------------

deps:
	@tests/deps.sh build

demo: deps                             ## installs what the build needs, builds, rehearses a year
	@$(MAKE) --no-print-directory all
	@tests/demo.sh $(B)/certline

check:                                 ## installs what the tests need, and runs them all
	@tests/deps.sh test
	@$(MAKE) --no-print-directory $(B)/certline $(UNIT_BIN) $(B)/sim $(B)/worlds
	@tests/run.sh $(B)

unit: $(UNIT_BIN)                      ## unit tests only
	@for t in $(UNIT_BIN); do echo "# $$t"; $$t || exit 1; done

sim: $(B)/sim $(B)/worlds              ## 10,000 simulated years, 300,000 worlds of name servers
	@tests/sim/run.sh $(B) 10000

system: $(B)/certline                  ## with real servers on loopback: name, mail and web servers
	@tests/deps.sh test
	@tests/run.sh $(B) system

mutants: $(B)/libcertline.a            ## breaks the rule table in every way; the tests must notice
	@tests/mutants.sh $(B) $(CC) $(ALL_CPPFLAGS) -std=c11 -O2

bench: all $(B)/acme_bare              ## idle runs, looks at name servers and servers, renewals, beside others
	@tests/deps.sh test bench
	@tests/bench/look.sh $(B)/certline
	@tests/bench/check.sh $(B)/certline
	@tests/bench/idle.sh $(B)/certline
	@tests/bench/acme.sh $(B)

sanitize:                              ## unit tests, simulation and a rehearsed year under ASan and UBSan
	@$(MAKE) --no-print-directory B=$(B)/san SAN=address,undefined CFLAGS='-O1 -g' sanitized

sanitized: $(B)/certline $(UNIT_BIN) $(B)/sim $(B)/worlds
	@for t in $(UNIT_BIN); do echo "# $$t"; $$t || exit 1; done
	@$(B)/sim 200
	@$(B)/worlds 3000
	@tests/demo.sh $(B)/certline > $(B)/demo.log 2>&1 || { cat $(B)/demo.log; exit 1; }

fuzz: deps                             ## each fuzzer for FUZZ_SECONDS (default 30)
	@tests/deps.sh lint
	@$(MAKE) --no-print-directory CC=clang B=$(B)/fuzzing SAN=fuzzer-no-link,address,undefined fuzzers
	@tests/fuzz/run.sh $(B)/fuzzing/fuzz

fuzzers: $(FUZZ_BIN)

$(B)/fuzz/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) $(B)/libcertline.a
	@mkdir -p $(@D)
	@$(CC) $(ALL_CPPFLAGS) $(LIB_CFLAGS) $(ALL_CFLAGS) -fsanitize=fuzzer -o $@ $< \
		$(B)/libcertline.a $(LIBS)

cover:                                 ## line coverage of unit tests, simulation and a rehearsed year
	@tests/deps.sh lint
	@$(MAKE) --no-print-directory B=$(B)/cover CFLAGS='-O0 -g --coverage' covered
	@gcovr -r . --object-directory $(B)/cover -e tests/ --print-summary | tail -40

covered: $(B)/certline $(UNIT_BIN) $(B)/sim
	@for t in $(UNIT_BIN); do $$t > /dev/null 2>&1 || exit 1; done
	@$(B)/sim 100 > /dev/null
	@tests/demo.sh $(B)/certline > /dev/null 2>&1
	@for t in tests/system/life.sh; do $$t $(B)/certline > /dev/null || exit 1; done

lint: $(B)/certline                    ## layers, shell scripts, documents; clang-tidy and cppcheck if there
	@tests/lint/run.sh $(B)

analyze:                               ## gcc -fanalyzer, clang-tidy, cppcheck
	@tests/deps.sh lint
	@tests/lint/analyze.sh $(B) '$(CC)' $(ALL_CPPFLAGS)

format:                                ## clang-format over src and tests
	@clang-format -i $(SRC) src/*/*.h src/main.c $(UNIT) tests/sim/*.c $(FUZZ)

clean:                                 ## removes build/
	rm -rf $(B)

# Installing ----------------------------------------------------------------------------------------

install: all                           ## PREFIX, DESTDIR, SYSCONFDIR, LOCALSTATEDIR are heeded
	install -d $(DESTDIR)$(PREFIX)/sbin $(SHARE)/certline/hooks/lib $(SHARE)/doc/certline/samples \
		$(SHARE)/man/man5 $(SHARE)/man/man7 $(SHARE)/man/man8 $(DESTDIR)$(SYSCONFDIR)/certline
	install -d -m 700 $(DESTDIR)$(LOCALSTATEDIR)/lib/certline
	install -m 755 $(B)/certline $(DESTDIR)$(PREFIX)/sbin/certline
	install -m 755 $(filter-out hooks/lib,$(wildcard hooks/*)) $(SHARE)/certline/hooks
	install -m 755 $(wildcard hooks/lib/*) $(SHARE)/certline/hooks/lib
	install -m 644 man/certline.8 $(SHARE)/man/man8
	install -m 644 man/certline.conf.5 $(SHARE)/man/man5
	install -m 644 man/certline-hooks.7 $(SHARE)/man/man7
	install -m 644 README.md LICENSE $(SHARE)/doc/certline
	install -m 644 $(wildcard conf/samples/*) $(SHARE)/doc/certline/samples
	cp -R contrib $(SHARE)/doc/certline/
	@# what the administrator has written is never overwritten
	test -e $(DESTDIR)$(SYSCONFDIR)/certline/certline.conf || \
		install -m 644 conf/certline.conf $(DESTDIR)$(SYSCONFDIR)/certline/certline.conf

uninstall:                             ## leaves configuration, keys and certificates alone
	rm -f $(DESTDIR)$(PREFIX)/sbin/certline $(SHARE)/man/man8/certline.8 \
		$(SHARE)/man/man5/certline.conf.5 $(SHARE)/man/man7/certline-hooks.7
	rm -rf $(SHARE)/certline $(SHARE)/doc/certline

.PHONY: FORCE all help deps demo check unit sim system mutants bench sanitize sanitized fuzz fuzzers cover covered \
	lint analyze format clean install uninstall
.DELETE_ON_ERROR:
-include $(OBJ:.o=.d) $(B)/obj/main.d $(UNIT_BIN:=.d) $(B)/sim.d $(B)/worlds.d $(B)/acme_bare.d
