#include "stage2.h"

#define RAM 0x40000000ul
#define RAM_SIZE 0x1000000ul
#define UART 0x09000000ul
#define PAGE(n) (0x80000000ul + ((uint64_t)(n) << 16))
#define INPUT_BITS 39

#define ATTR_AF (1ul << 10)
#define ATTR_INNER_SHAREABLE (3ul << 8)
#define ATTR_UXN (1ul << 54)
/* Stage 1: AttrIndx 1. Stage 2: MemAttr Write-Back, S2AP. */
#define STAGE1_NORMAL ((1ul << 2) | ATTR_INNER_SHAREABLE | ATTR_AF)
#define STAGE1_READ_ONLY (1ul << 7)
#define STAGE2_READ (1ul << 6)
#define STAGE2_WRITE (1ul << 7)
#define STAGE2_NORMAL ((15ul << 2) | ATTR_INNER_SHAREABLE | ATTR_AF | STAGE2_READ | STAGE2_WRITE)

#define HCR_RW (1ul << 31)
#define HCR_VM (1ul << 0)
#define HCR_PTW (1ul << 2)
#define HCR_DC (1ul << 12)
#define SCTLR_M 1ul
#define SCTLR_EL1_RES1 0x30d00800ul
#define SCTLR_EL2_RES1 0x30c50830ul

#define DABT 0x92000000ul
#define DABT_EL2 0x96000000ul
#define IABT 0x82000000ul
#define IABT_EL2 0x86000000ul
#define WnR 0x40ul
#define S1PTW 0x80ul
#define CM 0x100ul
#define TRANSLATION 0x04ul
#define ACCESS_FLAG 0x08ul
#define PERMISSION 0x0cul
/** ISS of an access of one register: SAS, SSE, SRT, SF, AR. */
#define ISV(sas, sse, srt, sf, ar)                                                       \
  ((1ul << 24) | ((uint64_t)(sas) << 22) | ((uint64_t)(sse) << 21) | ((uint64_t)(srt) << 16) | \
   ((uint64_t)(sf) << 15) | ((uint64_t)(ar) << 14))
#define LDR_X0 ISV(3, 0, 0, 1, 0)
#define STR_X1 ISV(3, 0, 1, 1, 0)

/* A first table can be eight tables of 16 KB, aligned to all of them. */
#define POOL (20ul * 0x20000)
static uint8_t pool[POOL] __attribute__((aligned(0x20000)));
static uint8_t frames[3][0x10000] __attribute__((aligned(0x10000)));
static uint64_t used;
static uint64_t *stage2, *stage1, *el2;

static uint64_t frame(unsigned n) {
  return (uint64_t)frames[n];
}

static uint64_t *word(unsigned n) {
  return (uint64_t *)frame(n);
}

static uint64_t *new_table(void) {
  uint64_t *table = (uint64_t *)&pool[used];
  used += 0x20000;
  for (unsigned i = 0; i < 0x20000 / 8; i++) table[i] = 0;
  return table;
}

static unsigned lowest_bit(unsigned level) {
  return granule_bits + (granule_bits - 3) * (3 - level);
}

/** 39-bit addresses: stage 1 starts at level 1 with the smaller granules. */
static unsigned stage1_start(void) {
  return granule_bits == 16 ? 2 : 1;
}

/** With SL0 = 1, where the 16 KB granule has eight concatenated tables. */
static unsigned stage2_start(void) {
  return granule_bits == 12 ? 1 : 2;
}

static uint64_t *descriptor(uint64_t *root, unsigned start, uint64_t address, unsigned level) {
  uint64_t *table = root;
  uint64_t in_table = address & ((1ul << INPUT_BITS) - 1);
  for (unsigned at = start;; at++) {
    uint64_t *entry = &table[in_table >> lowest_bit(at)];
    if (at == level) return entry;
    if (*entry == 0) *entry = (uint64_t)new_table() | 3;
    table = (uint64_t *)(*entry & 0xfffffffff000);
    in_table &= (1ul << lowest_bit(at)) - 1;
  }
}

static uint64_t *ipa(uint64_t address) {
  return descriptor(stage2, stage2_start(), address, 3);
}

static uint64_t *va(uint64_t address) {
  return descriptor(stage1, stage1_start(), address, 3);
}

static void map_ram(uint64_t *root, unsigned start, uint64_t attributes) {
  uint64_t size = 1ul << lowest_bit(2);
  for (uint64_t at = RAM; at < RAM + RAM_SIZE; at += size) {
    *descriptor(root, start, at, 2) = at | attributes | 1;
  }
}

static void flush(void) {
  __asm__ volatile("dsb ishst\n\ttlbi alle1\n\ttlbi alle2\n\tdsb ish\n\tisb" : : : "memory");
}

static uint64_t tg0(void) {
  return (granule_bits == 12 ? 0ul : granule_bits == 14 ? 2ul : 1ul) << 14;
}

static void set_hcr(uint64_t bits) {
  WRITE_SYSREG(HCR_EL2, HCR_RW | bits);
  ISB();
}

static void setup(void) {
  begin("stage 2 on");
  used = 0;
  stage2 = new_table();
  stage1 = new_table();
  el2 = new_table();
  map_ram(stage2, stage2_start(), STAGE2_NORMAL);
  map_ram(stage1, stage1_start(), STAGE1_NORMAL);
  map_ram(el2, stage1_start(), STAGE1_NORMAL);
  *descriptor(el2, stage1_start(), UART, 3) = UART | ATTR_AF | ATTR_UXN | 3;
  uint64_t size = 64 - INPUT_BITS;
  WRITE_SYSREG(VTCR_EL2, (1ul << 31) | (2ul << 16) | tg0() | (1ul << 6) | size);
  WRITE_SYSREG(VTTBR_EL2, (uint64_t)stage2 | (1ul << 48));
  WRITE_SYSREG(SCTLR_EL1, SCTLR_EL1_RES1);
  WRITE_SYSREG(MAIR_EL1, 0xff00);
  WRITE_SYSREG(TCR_EL1, (2ul << 32) | (1ul << 23) | tg0() | size);
  WRITE_SYSREG(TTBR0_EL1, (uint64_t)stage1);
  flush();
  set_hcr(HCR_VM);
  call_el1(el1_hvc, 0);
  check_no_fault();
  end();
}

static void without_stage1(void) {
  begin("IPA to PA");
  for (unsigned n = 0; n < 3; n++) *word(n) = 0x1111 * (n + 1);
  *ipa(PAGE(0)) = frame(2) | STAGE2_NORMAL | 3;
  flush();
  check("a load", call_el1(el1_ldr, PAGE(0)), 0x3333);
  call_el1(el1_str, PAGE(0));
  check("a store", *word(2), 0x40);
  check_no_fault();
  end();

  begin("faults of data accesses");
  call_el1(el1_ldr, PAGE(1) + 0x18);
  check_stage2_fault(DABT | LDR_X0 | TRANSLATION | 3, PAGE(1) + 0x18, PAGE(1));
  call_el1(el1_str, PAGE(1) + 0x18);
  check_stage2_fault(DABT | STR_X1 | WnR | TRANSLATION | 3, PAGE(1) + 0x18, PAGE(1));
  call_el1(el1_ldr, 0x6000000000);
  check_stage2_fault(DABT | LDR_X0 | TRANSLATION | stage2_start(), 0x6000000000, 0x6000000000);
  call_el1(el1_ldr, 1ul << 39);
  check_stage2_fault(DABT | LDR_X0 | TRANSLATION, 1ul << 39, 1ul << 39);
  *ipa(PAGE(2)) = frame(0) | (STAGE2_NORMAL & ~STAGE2_WRITE) | 3;
  *ipa(PAGE(3)) = frame(0) | (STAGE2_NORMAL & ~STAGE2_READ) | 3;
  *ipa(PAGE(4)) = frame(0) | (STAGE2_NORMAL & ~ATTR_AF) | 3;
  flush();
  check("read-only", call_el1(el1_ldr, PAGE(2)), 0x1111);
  check_no_fault();
  call_el1(el1_str, PAGE(2));
  check_fault(DABT | STR_X1 | WnR | PERMISSION | 3, PAGE(2));
  call_el1(el1_ldr, PAGE(3));
  check_fault(DABT | LDR_X0 | PERMISSION | 3, PAGE(3));
  call_el1(el1_ldr, PAGE(4));
  check_stage2_fault(DABT | LDR_X0 | ACCESS_FLAG | 3, PAGE(4), PAGE(4));
  end();

  begin("faults of fetches");
  call_el1((void *)PAGE(1), 0);
  check_stage2_fault(IABT | TRANSLATION | 3, PAGE(1), PAGE(1));
  *ipa(PAGE(5)) = frame(0) | STAGE2_NORMAL | ATTR_UXN | 3;
  flush();
  call_el1(el1_br, PAGE(5));
  check_fault(IABT | PERMISSION | 3, PAGE(5));
  end();
}

static void instruction_syndromes(void) {
  begin("instruction syndromes");
  static const struct {
    void (*snippet)(void);
    uint64_t iss;
    int offset;
  } cases[] = {
      {el1_ldr_w5, ISV(2, 0, 5, 0, 0), 8},
      {el1_ldrsb_w, ISV(0, 1, 7, 0, 0), 0},
      {el1_ldrsh_x, ISV(1, 1, 9, 1, 0), 0},
      {el1_ldrsw, ISV(2, 1, 3, 1, 0), 4},
      {el1_strb_zero, ISV(0, 0, 31, 0, 0) | WnR, 0},
      {el1_strh_offset, ISV(1, 0, 1, 0, 0) | WnR, 0x40},
      {el1_ldur, ISV(3, 0, 30, 1, 0), -8},
      {el1_ldtr, ISV(2, 0, 2, 0, 0), 0},
      {el1_ldar, ISV(3, 0, 4, 1, 1), 0},
      {el1_stlrb, ISV(0, 0, 1, 0, 1) | WnR, 0},
      {el1_ldr_post, 0, 0},
      {el1_str_pre, WnR, 8},
      {el1_ldp, 0, 0},
      {el1_stp, WnR, 0},
      {el1_ldxr, 0, 0},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint64_t base = PAGE(1) + 0x100;
    uint64_t far = base + (uint64_t)(int64_t)cases[i].offset;
    call_el1(cases[i].snippet, base);
    check_stage2_fault(DABT | cases[i].iss | TRANSLATION | 3, far, PAGE(1));
  }
  end();
}

#define AT(operation, address)                                                               \
  ({                                                                                         \
    __asm__ volatile("at " #operation ", %0\n\tisb" : : "r"((uint64_t)(address)) : "memory"); \
    READ_SYSREG(PAR_EL1);                                                                    \
  })
#define PAR_FAULT(fst, s, ptw) (0x801ul | ((uint64_t)(fst) << 1) | ((uint64_t)(s) << 9) | ((uint64_t)(ptw) << 8))
/** Without NS and an IMPLEMENTATION DEFINED bit. */
#define PAR_SUCCESS(par) ((par) & ~0x600ul)

static void with_stage1(void) {
  WRITE_SYSREG(SCTLR_EL1, SCTLR_EL1_RES1 | SCTLR_M);
  ISB();
  begin("both stages");
  *va(PAGE(0)) = PAGE(0) | STAGE1_NORMAL | 3;
  *va(PAGE(1)) = PAGE(1) | STAGE1_NORMAL | 3;
  *va(PAGE(2)) = PAGE(0) | STAGE1_NORMAL | STAGE1_READ_ONLY | 3;
  *va(PAGE(6)) = PAGE(2) | STAGE1_NORMAL | 3;
  flush();
  *word(2) = 0x5678;
  check("a load", call_el1(el1_ldr, PAGE(2)), 0x5678);
  check_no_fault();
  call_el1(el1_ldr, PAGE(1) + granule() - 8);
  check_stage2_fault(DABT | LDR_X0 | TRANSLATION | 3, PAGE(1) + granule() - 8, PAGE(1) + granule() - 8);
  call_el1(el1_str, PAGE(6));
  check_fault(DABT | STR_X1 | WnR | PERMISSION | 3, PAGE(6));
  call_el1(el1_zva, PAGE(6) + 8);
  check_fault(DABT | WnR | PERMISSION | 3, PAGE(6) + 8);
  end();

  begin("AT through both stages");
  check("S12E1R", PAR_SUCCESS(AT(s12e1r, PAGE(0) + 0x20)), 0xff00000000000980 | frame(2));
  check("S1E1R", PAR_SUCCESS(AT(s1e1r, PAGE(0))), 0xff00000000000980 | PAGE(0));
  check("S12E1W of a read-only IPA", AT(s12e1w, PAGE(6)), PAR_FAULT(PERMISSION | 3, 1, 0));
  check("S1E1W of a read-only IPA", PAR_SUCCESS(AT(s1e1w, PAGE(6))), 0xff00000000000980 | PAGE(2));
  check("S12E1R of no IPA", AT(s12e1r, PAGE(1)), PAR_FAULT(TRANSLATION | 3, 1, 0));
  check("S12E1R of nothing", AT(s12e1r, PAGE(7)), PAR_FAULT(TRANSLATION | 3, 0, 0));
  check("S12E0R", AT(s12e0r, PAGE(0)), PAR_FAULT(PERMISSION | 3, 0, 0));
  check_no_fault();
  end();

  begin("stage 2 faults on walks");
  // The table at level 3 of stage 1 moves to an IPA of its own.
  uint64_t *table = descriptor(stage1, stage1_start(), PAGE(0), 2);
  uint64_t plain = *table;
  uint64_t level3 = plain & 0xfffffffff000;
  uint64_t entry = PAGE(8) + 8 * ((PAGE(0) >> granule_bits) & ((1ul << (granule_bits - 3)) - 1));
  *table = PAGE(8) | 3;
  flush();
  call_el1(el1_ldr, PAGE(0));
  check_stage2_fault(DABT | S1PTW | TRANSLATION | 3, PAGE(0), entry);
  call_el1(el1_br, PAGE(0));
  check_stage2_fault(IABT | S1PTW | TRANSLATION | 3, PAGE(0), entry);
  call_el1(el1_at, PAGE(0));
  check_stage2_fault(DABT | CM | WnR | S1PTW | TRANSLATION | 3, PAGE(0), entry);
  check("S1E1R at EL2", AT(s1e1r, PAGE(0)), PAR_FAULT(TRANSLATION | 3, 1, 1));
  check("S12E1R at EL2", AT(s12e1r, PAGE(0)), PAR_FAULT(TRANSLATION | 3, 1, 1));
  check_no_fault();
  *ipa(PAGE(8)) = level3 | (STAGE2_NORMAL & ~STAGE2_READ) | 3;
  flush();
  call_el1(el1_str, PAGE(0));
  check_stage2_fault(DABT | S1PTW | WnR | PERMISSION | 3, PAGE(0), entry);
  *ipa(PAGE(8)) = level3 | (STAGE2_NORMAL & ~STAGE2_WRITE) | 3;
  flush();
  check("a table that is read-only", call_el1(el1_ldr, PAGE(0)), 0x5678);
  check_no_fault();
  *ipa(PAGE(8)) = level3 | (STAGE2_NORMAL & ~(15ul << 2)) | 3;
  set_hcr(HCR_VM | HCR_PTW);
  flush();
  call_el1(el1_ldr, PAGE(0));
  check_stage2_fault(DABT | S1PTW | PERMISSION | 3, PAGE(0), entry);
  set_hcr(HCR_VM);
  *table = plain;
  flush();
  end();

  begin("VMIDs and TLBI");
  static uint64_t *other;
  other = new_table();
  map_ram(other, stage2_start(), STAGE2_NORMAL);
  *descriptor(other, stage2_start(), PAGE(0), 3) = frame(1) | STAGE2_NORMAL | 3;
  *word(1) = 0x9999;
  for (unsigned i = 0; i < 2; i++) {
    check("VMID 1", call_el1(el1_ldr, PAGE(0)), 0x5678);
    WRITE_SYSREG(VTTBR_EL2, (uint64_t)other | (2ul << 48));
    ISB();
    check("VMID 2", call_el1(el1_ldr, PAGE(0)), 0x9999);
    WRITE_SYSREG(VTTBR_EL2, (uint64_t)stage2 | (1ul << 48));
    ISB();
  }
  *ipa(PAGE(0)) = frame(1) | STAGE2_NORMAL | 3;
  __asm__ volatile("dsb ishst\n\ttlbi ipas2e1is, %0\n\tdsb ish\n\ttlbi vmalle1is\n\tdsb ish\n\tisb"
                   : : "r"(PAGE(0) >> 12) : "memory");
  check("after TLBI IPAS2E1IS", call_el1(el1_ldr, PAGE(0)), 0x9999);
  *ipa(PAGE(0)) = frame(2) | STAGE2_NORMAL | 3;
  __asm__ volatile("dsb ishst\n\ttlbi vmalls12e1\n\tdsb ish\n\tisb" : : : "memory");
  check("after TLBI VMALLS12E1", call_el1(el1_ldr, PAGE(0)), 0x5678);
  check_no_fault();
  end();
}

static void default_cacheable(void) {
  begin("HCR_EL2.DC");
  set_hcr(HCR_DC); // stage 1 is off whatever SCTLR_EL1.M says, stage 2 on whatever VM says
  flush();
  *word(2) = 0x1122334455667788;
  check("an unaligned load", call_el1(el1_ldr, PAGE(0) + 1) & 0xffffff, 0x556677);
  check_no_fault();
  call_el1(el1_ldr, PAGE(1));
  check_stage2_fault(DABT | LDR_X0 | TRANSLATION | 3, PAGE(1), PAGE(1));
  set_hcr(0);
  WRITE_SYSREG(SCTLR_EL1, SCTLR_EL1_RES1);
  ISB();
  end();
}

/** QEMU before 8 fills in the instruction syndrome, ISS[24:14], which only stage 2 aborts have. */
static void check_own_abort(uint64_t esr, uint64_t far) {
  event.esr &= ~0x1ffc000ul;
  check_fault(esr, far);
}

static void el2_regime(void) {
  begin("the EL2 regime");
  uint64_t size = 64 - INPUT_BITS;
  WRITE_SYSREG(MAIR_EL2, 0xff00);
  WRITE_SYSREG(TCR_EL2, (1ul << 31) | (1ul << 23) | (2ul << 16) | tg0() | size);
  WRITE_SYSREG(TTBR0_EL2, (uint64_t)el2);
  unsigned start = stage1_start();
  *descriptor(el2, start, PAGE(0), 3) = frame(0) | STAGE1_NORMAL | 3;
  *descriptor(el2, start, PAGE(2), 3) = frame(0) | STAGE1_NORMAL | STAGE1_READ_ONLY | ATTR_UXN | 3;
  flush();
  WRITE_SYSREG(SCTLR_EL2, SCTLR_EL2_RES1 | SCTLR_M | (1ul << 2) | (1ul << 12));
  ISB();
  *word(0) = 0x1122334455667788;
  check("a load", load64(PAGE(0)), 0x1122334455667788);
  check("an unaligned load", load64(PAGE(0) + 1) & 0xffffff, 0x556677);
  check_no_fault();
  load64(PAGE(1));
  check_own_abort(DABT_EL2 | TRANSLATION | 3, PAGE(1));
  store64(PAGE(2), 0);
  check_own_abort(DABT_EL2 | WnR | PERMISSION | 3, PAGE(2));
  call(PAGE(2));
  check_own_abort(IABT_EL2 | PERMISSION | 3, PAGE(2));
  load64(1ul << 40);
  check_own_abort(DABT_EL2 | TRANSLATION, 1ul << 40);
  load64(0xffffff8000000000);
  check_own_abort(DABT_EL2 | TRANSLATION, 0xffffff8000000000);
  check("S1E2R", PAR_SUCCESS(AT(s1e2r, PAGE(0))), 0xff00000000000980 | frame(0));
  check("S1E2W", AT(s1e2w, PAGE(2)), PAR_FAULT(PERMISSION | 3, 0, 0));
  *descriptor(el2, start, PAGE(0), 3) = 0;
  __asm__ volatile("dsb ishst\n\ttlbi vae2, %0\n\tdsb ish\n\tisb" : : "r"(PAGE(0) >> 12) : "memory");
  load64(PAGE(0));
  check_own_abort(DABT_EL2 | TRANSLATION | 3, PAGE(0));
  WRITE_SYSREG(SCTLR_EL2, SCTLR_EL2_RES1);
  ISB();
  end();
}

void run_cases(void) {
  setup();
  without_stage1();
  instruction_syndromes();
  with_stage1();
  default_cacheable();
  el2_regime();
}
