#include "translation.h"

#define RAM 0x40000000ul
#define RAM_SIZE 0x1000000ul
#define UART 0x09000000ul

/* Virtual addresses of pages under test, one to a 64 KB page. */
#define PAGE(n) (0x80000000ul + ((uint64_t)(n) << 16))
#define BLOCK 0xc0000000ul
#define UPPER 0xffffff8000000000ul

#define DABT_EL1 0x96000000ul
#define DABT_EL0 0x92000000ul
#define IABT_EL1 0x86000000ul
#define IABT_EL0 0x82000000ul
#define WnR 0x40ul
#define CM 0x100ul
#define ADDRESS_SIZE 0x00ul
#define TRANSLATION 0x04ul
#define ACCESS_FLAG 0x08ul
#define PERMISSION 0x0cul
#define ALIGNMENT 0x21ul

#define SCTLR_RES1 0x30d00800ul
#define SCTLR_M (1ul << 0)
#define SCTLR_A (1ul << 1)
#define SCTLR_C (1ul << 2)
#define SCTLR_I (1ul << 12)
#define SCTLR_DZE (1ul << 14)

#define ASID(n) ((uint64_t)(n) << 48)

/** Memory behind the pages under test. */
static uint8_t frames[4][0x10000] __attribute__((aligned(0x10000)));
static uint64_t *lower, *upper;

static uint64_t frame(unsigned n) {
  return (uint64_t)frames[n];
}

#define TLBI(operation, argument) \
  __asm__ volatile("dsb ishst\n\ttlbi " #operation ", %0\n\tdsb ish\n\tisb" : : "r"((uint64_t)(argument)) : "memory")
#define TLBI_ALL() __asm__ volatile("dsb ishst\n\ttlbi vmalle1\n\tdsb ish\n\tisb" : : : "memory")

/** The argument of TLBI by VA. */
static uint64_t tlbi_va(uint64_t va, unsigned asid) {
  return ((va >> 12) & 0xffffffffffful) | ASID(asid);
}

static uint64_t tcr(void) {
  uint64_t tg0 = granule_bits == 12 ? 0 : granule_bits == 14 ? 2 : 1;
  uint64_t tg1 = granule_bits == 12 ? 2 : granule_bits == 14 ? 1 : 3;
  uint64_t cacheable = (3ul << 12) | (1ul << 10) | (1ul << 8);
  uint64_t size = 64 - INPUT_BITS;
  return size | cacheable | (tg0 << 14) | (size << 16) | (cacheable << 16) | (tg1 << 30) |
         (2ul << 32) /* IPS: 40 bits */ | (1ul << 36) /* AS: 16-bit ASIDs */;
}

static void set_tcr(uint64_t value) {
  WRITE_SYSREG(TCR_EL1, value);
  ISB();
}

static void set_ttbr0(const uint64_t *root, unsigned asid) {
  WRITE_SYSREG(TTBR0_EL1, (uint64_t)root | ASID(asid));
  ISB();
}

static void set_sctlr(uint64_t bits) {
  WRITE_SYSREG(SCTLR_EL1, SCTLR_RES1 | bits);
  ISB();
}

#define MMU_ON (SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_DZE)

/** This program, its tables and its UART where they are. */
static void map_program(uint64_t *root) {
  for (uint64_t at = RAM; at < RAM + RAM_SIZE; at += block_size()) {
    map_block(root, at, at, ATTR_MEMORY | ATTR_UXN);
  }
  map_page(root, UART, UART, ATTR_AF | ATTR_UXN | ATTR_PXN);
}

static void put_code(uint64_t pa, const uint32_t *words, unsigned count) {
  volatile uint32_t *to = (volatile uint32_t *)pa;
  for (unsigned i = 0; i < count; i++) to[i] = words[i];
  __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" : : "r"(pa) : "memory");
}

static uint64_t *word(unsigned n) {
  return (uint64_t *)frame(n);
}

static void turn_on(void) {
  begin("MMU on");
  reset_tables();
  lower = new_table();
  upper = new_table();
  map_program(lower);
  WRITE_SYSREG(MAIR_EL1, 0xff00); // 0: Device-nGnRnE, 1: Write-Back
  set_tcr(tcr());
  set_ttbr0(lower, 1);
  WRITE_SYSREG(TTBR1_EL1, (uint64_t)upper);
  TLBI_ALL();
  set_sctlr(MMU_ON);
  check("SCTLR_EL1.M", READ_SYSREG(SCTLR_EL1) & SCTLR_M, SCTLR_M);
  check_no_fault();
  end();
}

static void pages(void) {
  begin("pages");
  for (unsigned n = 0; n < 4; n++) *word(n) = 0x1111 * (n + 1);
  map_page(lower, PAGE(0), frame(2), ATTR_MEMORY);
  map_page(upper, UPPER, frame(1), ATTR_MEMORY);
  __asm__ volatile("dsb ishst\n\tisb");
  check("lower half", load64(PAGE(0)), 0x3333);
  check("upper half", load64(UPPER), 0x2222);
  store64(PAGE(0), 0x5555);
  check("what was stored", *word(2), 0x5555);
  check_no_fault();
  end();
}

static void translation_faults(void) {
  begin("translation faults");
  uint64_t first = TRANSLATION | start_level();
  load64(PAGE(1) + 8);
  check_fault(DABT_EL1 | TRANSLATION | 3, PAGE(1) + 8);
  store64(PAGE(1) + 8, 0);
  check_fault(DABT_EL1 | WnR | TRANSLATION | 3, PAGE(1) + 8);
  load64(0x6000000000);
  check_fault(DABT_EL1 | first, 0x6000000000);
  load64(1ul << 40);
  check_fault(DABT_EL1 | TRANSLATION, 1ul << 40);
  load64(0xfffffe0000000000);
  check_fault(DABT_EL1 | TRANSLATION, 0xfffffe0000000000);
  load64(0xffffffc000000000);
  check_fault(DABT_EL1 | first, 0xffffffc000000000);
  call(PAGE(1));
  check_fault(IABT_EL1 | TRANSLATION | 3, PAGE(1));
  call(1ul << 40);
  check_fault(IABT_EL1 | TRANSLATION, 1ul << 40);
  set_tcr(tcr() | (1ul << 23)); // EPD1
  TLBI_ALL();
  load64(UPPER);
  check_fault(DABT_EL1 | TRANSLATION, UPPER);
  set_tcr(tcr());
  end();
}

static void other_faults(void) {
  begin("access flag and address size faults");
  map_page(lower, PAGE(1), frame(1), ATTR_MEMORY & ~ATTR_AF);
  load64(PAGE(1));
  check_fault(DABT_EL1 | ACCESS_FLAG | 3, PAGE(1));
  *descriptor(lower, PAGE(1), 3) = (1ul << 41) | ATTR_MEMORY | 3;
  load64(PAGE(1));
  check_fault(DABT_EL1 | ADDRESS_SIZE | 3, PAGE(1));
  *descriptor(lower, PAGE(1), 3) = frame(1) | ATTR_MEMORY | 1;
  load64(PAGE(1));
  check_fault(DABT_EL1 | TRANSLATION | 3, PAGE(1));
  *descriptor(lower, PAGE(1), 3) = 0;
  end();
}

static void permissions(void) {
  begin("permissions at EL1");
  map_page(lower, PAGE(2), frame(2), ATTR_MEMORY | ATTR_READ_ONLY);
  load64(PAGE(2));
  check_no_fault();
  store64(PAGE(2) + 16, 1);
  check_fault(DABT_EL1 | WnR | PERMISSION | 3, PAGE(2) + 16);
  load64_unprivileged(PAGE(2));
  check_fault(DABT_EL1 | PERMISSION | 3, PAGE(2));

  put_code(frame(3), el1_return, 1);
  map_page(lower, PAGE(3), frame(3), ATTR_MEMORY);
  __asm__ volatile("dsb ishst\n\tisb");
  call(PAGE(3));
  check_no_fault();
  *descriptor(lower, PAGE(3), 3) |= ATTR_PXN;
  TLBI(vae1, tlbi_va(PAGE(3), 1));
  call(PAGE(3));
  check_fault(IABT_EL1 | PERMISSION | 3, PAGE(3));
  map_page(lower, PAGE(3), frame(3), ATTR_MEMORY | ATTR_EL0);
  TLBI(vae1, tlbi_va(PAGE(3), 1));
  call(PAGE(3)); // writable at EL0, so not executable at EL1
  check_fault(IABT_EL1 | PERMISSION | 3, PAGE(3));
  load64_unprivileged(PAGE(3));
  store64_unprivileged(PAGE(3) + 8, 7);
  check_no_fault();
  check("what STTR stored", word(3)[1], 7);
  end();
}

static void table_attributes(void) {
  begin("attributes of tables");
  // The table at level 2 that holds all pages under test: APTable[1], then UXNTable and APTable[0].
  uint64_t *table = descriptor(lower, PAGE(3), 2);
  uint64_t plain = *table;
  *table = plain | (1ul << 62);
  TLBI_ALL();
  store64(PAGE(3), 1);
  check_fault(DABT_EL1 | WnR | PERMISSION | 3, PAGE(3));
  *table = plain | (1ul << 61);
  TLBI_ALL();
  load64_unprivileged(PAGE(3));
  check_fault(DABT_EL1 | PERMISSION | 3, PAGE(3));
  *table = plain | (1ul << 59);
  map_page(lower, PAGE(3), frame(3), ATTR_MEMORY);
  TLBI_ALL();
  call(PAGE(3));
  check_fault(IABT_EL1 | PERMISSION | 3, PAGE(3));
  *table = plain;
  TLBI_ALL();
  end();
}

static void el0(void) {
  begin("EL0");
  put_code(frame(3), el0_load, 2);
  map_page(lower, PAGE(3), frame(3), ATTR_MEMORY | ATTR_EL0 | ATTR_READ_ONLY);
  map_page(lower, PAGE(4), frame(0), ATTR_MEMORY | ATTR_EL0 | ATTR_UXN);
  TLBI_ALL();
  *word(0) = 0xabcd;
  check("a load", call_el0(PAGE(3), PAGE(4)), 0xabcd);
  check_no_fault();
  call_el0(PAGE(3), PAGE(2));
  check_fault(DABT_EL0 | PERMISSION | 3, PAGE(2));
  call_el0(PAGE(3), PAGE(1));
  check_fault(DABT_EL0 | TRANSLATION | 3, PAGE(1));
  call_el0(PAGE(3), RAM);
  check_fault(DABT_EL0 | PERMISSION | 2, RAM);

  put_code(frame(3), el0_store, 2);
  call_el0(PAGE(3), PAGE(4) + 8);
  check_no_fault();
  check("a store", word(0)[1], PAGE(4) + 8);
  call_el0(PAGE(3), PAGE(3) + 8);
  check_fault(DABT_EL0 | WnR | PERMISSION | 3, PAGE(3) + 8);

  put_code(frame(3), el0_branch, 2);
  call_el0(PAGE(3), PAGE(4));
  check_fault(IABT_EL0 | PERMISSION | 3, PAGE(4));
  call_el0(PAGE(3), RAM);
  check_fault(IABT_EL0 | PERMISSION | 2, RAM);
  // What EL1 may execute, and EL0 may not, at the same address and the other way round.
  put_code(frame(3), el1_return, 1);
  map_page(lower, PAGE(3), frame(3), ATTR_MEMORY | ATTR_UXN);
  TLBI(vae1, tlbi_va(PAGE(3), 1));
  call(PAGE(3));
  check_no_fault();
  call_el0(PAGE(3), 0);
  check_fault(IABT_EL0 | PERMISSION | 3, PAGE(3));
  call(PAGE(3));
  check_no_fault();
  end();
}

static void asids(void) {
  begin("ASIDs");
  static uint64_t *other;
  other = new_table();
  map_program(other);
  *word(0) = 0xaaaa;
  *word(1) = 0xbbbb;
  map_page(lower, PAGE(5), frame(0), ATTR_MEMORY | ATTR_NG);
  map_page(other, PAGE(5), frame(1), ATTR_MEMORY | ATTR_NG);
  __asm__ volatile("dsb ishst\n\tisb");
  for (unsigned i = 0; i < 3; i++) {
    check("ASID 1", load64(PAGE(5)), 0xaaaa);
    set_ttbr0(other, 2);
    check("ASID 2", load64(PAGE(5)), 0xbbbb);
    set_ttbr0(lower, 1);
  }
  map_page(lower, PAGE(5), frame(1), ATTR_MEMORY | ATTR_NG);
  TLBI(aside1, ASID(1));
  check("after TLBI ASIDE1", load64(PAGE(5)), 0xbbbb);
  map_page(lower, PAGE(5), frame(0), ATTR_MEMORY | ATTR_NG);
  TLBI(vae1, tlbi_va(PAGE(5), 1));
  check("after TLBI VAE1", load64(PAGE(5)), 0xaaaa);
  map_page(lower, PAGE(5), frame(1), ATTR_MEMORY | ATTR_NG);
  TLBI(vaae1is, tlbi_va(PAGE(5), 0));
  check("after TLBI VAAE1IS", load64(PAGE(5)), 0xbbbb);
  map_page(lower, PAGE(5), frame(0), ATTR_MEMORY | ATTR_NG);
  TLBI(vale1, tlbi_va(PAGE(5), 1));
  check("after TLBI VALE1", load64(PAGE(5)), 0xaaaa);
  map_page(lower, PAGE(5), frame(1), ATTR_MEMORY | ATTR_NG);
  TLBI(vaale1is, tlbi_va(PAGE(5), 0));
  check("after TLBI VAALE1IS", load64(PAGE(5)), 0xbbbb);
  *descriptor(lower, PAGE(5), 3) = 0;
  TLBI_ALL();
  load64(PAGE(5));
  check_fault(DABT_EL1 | TRANSLATION | 3, PAGE(5));
  end();
}

static void blocks(void) {
  begin("blocks");
  map_block(lower, BLOCK, RAM, ATTR_MEMORY);
  __asm__ volatile("dsb ishst\n\tisb");
  *word(0) = 0x1234;
  *word(1) = 0x5678;
  // The frames may lie in another block than the first.
  uint64_t base = frame(0) & ~(block_size() - 1);
  map_block(lower, BLOCK, base, ATTR_MEMORY);
  TLBI(vae1, tlbi_va(BLOCK, 1));
  uint64_t offset = frame(0) - base;
  check("in a block", load64(BLOCK + offset), 0x1234);
  *descriptor(lower, BLOCK, 2) = 0;
  TLBI(vae1, tlbi_va(BLOCK, 1)); // one address stands for all of the block
  load64(BLOCK + offset);
  check_fault(DABT_EL1 | TRANSLATION | 2, BLOCK + offset);
  end();
}

static void tags(void) {
  begin("tagged addresses");
  uint64_t tagged = PAGE(4) | (0x5aul << 56);
  *word(0) = 0x7777;
  load64(tagged);
  check_fault(DABT_EL1 | TRANSLATION, tagged);
  set_tcr(tcr() | (1ul << 37)); // TBI0
  TLBI_ALL();
  check("with TBI0", load64(tagged), 0x7777);
  load64(PAGE(1) | (0x5aul << 56));
  check_fault(DABT_EL1 | TRANSLATION | 3, PAGE(1) | (0x5aul << 56));
  set_tcr(tcr());
  TLBI_ALL();
  load64(tagged);
  check_fault(DABT_EL1 | TRANSLATION, tagged);
  end();
}

#define AT(operation, va)                                                               \
  ({                                                                                    \
    __asm__ volatile("at " #operation ", %0\n\tisb" : : "r"((uint64_t)(va)) : "memory"); \
    READ_SYSREG(PAR_EL1) & ~0x600ul; /* NS and an IMPLEMENTATION DEFINED bit */          \
  })

static void address_translation(void) {
  begin("AT");
  check("S1E1R", AT(s1e1r, PAGE(4) + 0x120), 0xff00000000000980 | frame(0));
  check("S1E1W, no permission", AT(s1e1w, PAGE(2)), 0x801 | ((PERMISSION | 3) << 1));
  check("S1E1R, read-only", AT(s1e1r, PAGE(2)), 0xff00000000000980 | frame(2));
  check("S1E0R", AT(s1e0r, PAGE(4)), 0xff00000000000980 | frame(0));
  check("S1E0R, no permission", AT(s1e0r, PAGE(2)), 0x801 | ((PERMISSION | 3) << 1));
  check("S1E0W", AT(s1e0w, PAGE(4)), 0xff00000000000980 | frame(0));
  check("nothing", AT(s1e1r, PAGE(1)), 0x801 | ((TRANSLATION | 3) << 1));
  check("out of range", AT(s1e1r, 1ul << 45), 0x801 | (TRANSLATION << 1));
  // QEMU before 8 gives SH of the descriptor where it should be 0b10.
  check("Device", AT(s1e1r, UART) | 0x180, 0x980 | UART);
  check_no_fault();
  end();
}

static void alignment(void) {
  begin("unaligned accesses");
  // Two pages that follow each other, in frames that do not.
  uint64_t second = PAGE(6) + granule();
  map_page(lower, PAGE(6), frame(2), ATTR_MEMORY);
  map_page(lower, second, frame(0), ATTR_MEMORY);
  TLBI_ALL();
  uint64_t *end_of_first = (uint64_t *)(frame(2) + granule() - 8);
  *end_of_first = 0x1122334455667788;
  *word(0) = 0x99aabbccddeeff00;
  check("inside a page", load64(second - 7 - 8) >> 56, 0x88);
  check("over two pages", load64(second - 4), 0xddeeff0011223344);
  store64(second - 3, 0x0102030405060708);
  check("the first page's part", *end_of_first, 0x0607084455667788);
  check("the second page's part", *word(0), 0x99aabb0102030405);
  check_no_fault();
  *descriptor(lower, second, 3) = 0;
  TLBI(vae1, tlbi_va(second, 1));
  load64(second - 4);
  check_fault(DABT_EL1 | TRANSLATION | 3, second);
  store64(second - 4, 0);
  check_fault(DABT_EL1 | WnR | TRANSLATION | 3, second);
  check("nothing is stored in part", *end_of_first, 0x0607084455667788);
  set_sctlr(MMU_ON | SCTLR_A);
  load64(PAGE(6) + 1);
  check_fault(DABT_EL1 | ALIGNMENT, PAGE(6) + 1);
  load64(PAGE(1) + 1); // alignment comes before translation
  check_fault(DABT_EL1 | ALIGNMENT, PAGE(1) + 1);
  set_sctlr(MMU_ON);
  end();
}

static void zeroing(void) {
  begin("DC ZVA");
  zero_block(PAGE(1));
  check_fault(DABT_EL1 | WnR | TRANSLATION | 3, PAGE(1));
  zero_block(PAGE(2));
  check_fault(DABT_EL1 | WnR | PERMISSION | 3, PAGE(2));
  word(0)[3] = 5;
  zero_block(PAGE(4) + 16);
  check("a zeroed word", word(0)[3], 0);
  clean(PAGE(2));
  check_no_fault();
  end();
}

/* -- debug exceptions and translation: E32, E37, E40 and E41 of the acceptance table */

#define MDSCR_MDE (1ul << 15)
#define MDSCR_KDE (1ul << 13)
/** Enabled at EL1: PMC or PAC = 0b01. */
#define BREAKPOINT_AT_EL1 ((15ul << 5) | (1ul << 1) | 1)
#define WATCHPOINT_AT_EL1(bas, lsc) (((uint64_t)(bas) << 5) | ((uint64_t)(lsc) << 3) | (1ul << 1) | 1)
#define WATCHED 0xd6000022ul

static void debug_on(void) {
  WRITE_SYSREG(OSLAR_EL1, 0);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE | MDSCR_KDE);
  ISB();
  __asm__ volatile("msr daifclr, #8");
}

static void debug_off(void) {
  __asm__ volatile("msr daifset, #8");
  WRITE_SYSREG(DBGBCR0_EL1, 0);
  WRITE_SYSREG(DBGWCR0_EL1, 0);
  WRITE_SYSREG(MDSCR_EL1, 0);
  ISB();
}

static void watch(uint64_t va, uint64_t control) {
  WRITE_SYSREG(DBGWVR0_EL1, va);
  WRITE_SYSREG(DBGWCR0_EL1, control);
  ISB();
}

static void watchpoints(void) {
  begin("E32 watchpoint in Normal memory");
  uint64_t watched = PAGE(6) + 0x800;
  watch(watched, WATCHPOINT_AT_EL1(0x08, 3));
  debug_on();
  load8(watched + 3);
  check_fault(WATCHED, watched + 3);
  store64(watched - 4, 0);
  event.esr |= WnR; // QEMU before 8 says that an unaligned store reads
  check_fault(WATCHED | WnR, watched + 3);
  store8(watched + 3, 0);
  check_fault(WATCHED | WnR, watched + 3);
  store8(watched + 4, 0);
  store8(watched + 2, 0);
  check_no_fault();
  debug_off();
  end();

  begin("E37 DC ZVA over a watched doubleword");
  watch(watched, WATCHPOINT_AT_EL1(0xff, 2));
  debug_on();
  zero_block(watched + 0x20);
  uint64_t block = 4ul << (READ_SYSREG(DCZID_EL0) & 15);
  check("FAR_EL1 in the block", event.far - (watched & ~(block - 1)) < block, true);
  check_fault(WATCHED | WnR, event.far);
  debug_off();
  end();

  begin("E41 watchpoint where nothing is mapped");
  watch(PAGE(1), WATCHPOINT_AT_EL1(0xff, 3));
  debug_on();
  load64(PAGE(1));
  check_fault(DABT_EL1 | TRANSLATION | 3, PAGE(1));
  debug_off();
  end();

  begin("E40 breakpoint where nothing is mapped");
  WRITE_SYSREG(DBGBVR0_EL1, PAGE(1));
  WRITE_SYSREG(DBGBCR0_EL1, BREAKPOINT_AT_EL1);
  debug_on();
  call(PAGE(1));
  check_fault(IABT_EL1 | TRANSLATION | 3, PAGE(1));
  debug_off();
  end();

  begin("breakpoint at one of two addresses of an instruction");
  put_code(frame(3), el1_return, 1);
  map_page(lower, PAGE(7), frame(3), ATTR_MEMORY);
  map_page(lower, PAGE(8), frame(3), ATTR_MEMORY);
  TLBI_ALL();
  call(PAGE(7));
  WRITE_SYSREG(DBGBVR0_EL1, PAGE(8));
  WRITE_SYSREG(DBGBCR0_EL1, BREAKPOINT_AT_EL1);
  debug_on();
  call(PAGE(7));
  check_no_fault();
  call(PAGE(8));
  check("ELR_EL1", event.elr, PAGE(8));
  check_fault(0xc6000022, event.far);
  debug_off();
  end();
}

static void turn_off(void) {
  begin("MMU off");
  set_sctlr(SCTLR_I);
  TLBI_ALL();
  *word(1) = 0x4321;
  check("the frame itself", load64(frame(1)), 0x4321);
  check_no_fault();
  end();
}

void run_cases(void) {
  turn_on();
  pages();
  translation_faults();
  other_faults();
  permissions();
  table_attributes();
  el0();
  asids();
  blocks();
  tags();
  address_translation();
  alignment();
  zeroing();
  watchpoints();
  turn_off();
}
