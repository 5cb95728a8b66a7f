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
PACKAGES     := libcrypto jansson inih libidn2
TEST_PACKAGES := cmocka

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wformat=2 \
	-Wvla -Walloca -Wundef -Wswitch-enum
ALL_CPPFLAGS := -D_GNU_SOURCE -Isrc -include src/base/banned.h -DCERTLINE_VERSION='"$(VERSION)"' \
	-DSYSCONFDIR='"$(SYSCONFDIR)"' -DLOCALSTATEDIR='"$(LOCALSTATEDIR)"' $(CPPFLAGS)
ALL_CFLAGS := -std=c11 $(WARN) -fstack-protector-strong -fno-common $(CFLAGS)
ifneq ($(SAN),)
ALL_CFLAGS += -fsanitize=$(SAN) -fno-omit-frame-pointer
ALL_LDFLAGS := -fsanitize=$(SAN)
endif
ALL_LDFLAGS += -Wl,-z,relro,-z,now $(LDFLAGS)
LIB_CFLAGS  = $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
LIBS        = $(shell $(PKG_CONFIG) --libs $(PACKAGES))

LAYERS := base core sys io run cmd
SRC  := $(foreach l,$(LAYERS),$(sort $(wildcard src/$(l)/*.c)))
OBJ  := $(SRC:src/%.c=$(B)/obj/%.o)
UNIT := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_BIN := $(UNIT:tests/unit/%.c=$(B)/unit/%)

all: $(B)/certline

$(B)/certline: $(B)/obj/main.o $(B)/libcertline.a
	@echo "  LD    $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/libcertline.a: $(OBJ)
	@rm -f $@
	@ar rcs $@ $(OBJ)

$(B)/obj/%.o: src/%.c
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

unit: $(UNIT_BIN)
	@for t in $(UNIT_BIN); do echo "# $$t"; $$t || exit 1; done

mutants: $(B)/libcertline.a
	tests/mutants.sh $(B) $(CC) $(ALL_CPPFLAGS) -std=c11 -O2

clean:
	rm -rf $(B)

.PHONY: all unit mutants clean
-include $(OBJ:.o=.d) $(B)/obj/main.d $(UNIT_BIN:=.d)
