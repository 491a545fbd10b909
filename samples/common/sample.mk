# Rules shared by the samples. A sample's Makefile sets NAME, OBJECTS (its own
# and those it takes from ../common) and CFLAGS it wants changed, then includes this.
#
# The same sources give the same bytes in any folder: paths in the debug
# information start at "samples/", and there is no build id.

CROSS_COMPILE ?= aarch64-linux-gnu-
CC := $(CROSS_COMPILE)gcc
COMMON ?= ../common
OUT := out
PREFIX_MAP ?= $(abspath ..)=samples

OPTIMIZE ?= -O0
# With the MMU off all memory is Device memory, where unaligned accesses fault.
CFLAGS += -std=gnu11 -Wall -Wextra -g $(OPTIMIZE) -ffreestanding -fno-pic -fno-stack-protector \
  -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-omit-frame-pointer -mstrict-align -mcpu=cortex-a72 \
  -ffile-prefix-map=$(PREFIX_MAP) -I$(COMMON)
LDFLAGS += -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-T,$(COMMON)/board.ld
# Files from ../common leave the floating-point registers to the sample.
GENERAL_REGS ?= -mgeneral-regs-only

$(NAME).elf: $(addprefix $(OUT)/,$(OBJECTS)) $(COMMON)/board.ld
	$(CC) $(LDFLAGS) -o $@ $(addprefix $(OUT)/,$(OBJECTS))

$(OUT)/%.o: %.c $(wildcard *.h) $(wildcard $(COMMON)/*.h) | $(OUT)
	$(CC) $(CFLAGS) $(SAMPLE_CFLAGS) -c -o $@ $<

$(OUT)/%.o: %.S $(wildcard *.h) $(wildcard $(COMMON)/*.h) | $(OUT)
	$(CC) $(CFLAGS) -c -o $@ $<

$(OUT)/%.o: $(COMMON)/%.c $(wildcard $(COMMON)/*.h) | $(OUT)
	$(CC) $(CFLAGS) $(GENERAL_REGS) -c -o $@ $<

$(OUT)/%.o: $(COMMON)/%.S $(wildcard $(COMMON)/*.h) | $(OUT)
	$(CC) $(CFLAGS) -c -o $@ $<

$(OUT):
	mkdir -p $(OUT)

.PHONY: clean
clean:
	rm -rf $(OUT) $(NAME).elf
