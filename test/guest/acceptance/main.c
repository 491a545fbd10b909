/*
 * debug-exceptions: the acceptance cases for debug exceptions at EL1 and EL0.
 *
 * Prints one line per case:
 *   E1 PASS
 *   E1 FAIL got=0x5 want=0x6 (number of events)
 *   E2 SKIP not migrated
 * then DONE. The exit status is 0 if no case failed.
 */
#include "acceptance.h"

struct slots slots;
struct debug_resources resources;

static bool failed, skipped;
static const char *what, *reason;
static uint64_t got, want;

void expect(const char *what_, uint64_t got_, uint64_t want_) {
  if (failed || got_ == want_) return;
  failed = true;
  what = what_;
  got = got_;
  want = want_;
}

void expect_event(unsigned i, uint64_t esr, uint64_t elr) {
  static const struct event none;
  const struct event *event = i < event_count && i < MAX_EVENTS ? &events[i] : &none;
  expect("ESR_EL1 of an event", event->esr, esr);
  expect("ELR_EL1 of an event", event->elr, elr);
}

void expect_events(unsigned count) {
  expect("number of events", event_count, count);
}

void skip(const char *reason_) {
  skipped = true;
  reason = reason_;
}

static void run_silently(const struct acceptance_case *acceptance_case) {
  failed = skipped = false;
  reset_case();
  acceptance_case->run();
  reset_case();
}

static bool run(const struct acceptance_case *acceptance_case) {
  run_silently(acceptance_case);
  print("%s ", acceptance_case->id);
  if (skipped) {
    print("SKIP %s\n", reason);
  } else if (failed) {
    print("FAIL got=0x%lx want=0x%lx (%s)\n", got, want, what);
  } else {
    print("PASS\n");
  }
  return !failed;
}

static bool is_one_of(const char *id, unsigned first, unsigned last) {
  unsigned number = 0;
  for (const char *digit = id + 1; *digit >= '0' && *digit <= '9'; digit++) {
    number = number * 10 + (unsigned)(*digit - '0');
  }
  return number >= first && number <= last;
}

/* E19: E7 to E18 in every combination of slots. */
static bool run_matrix(void) {
  unsigned ordinary = resources.breakpoints - resources.context_aware;
  unsigned runs = 0, failures = 0;
  const char *first_failure = "";
  for (slots.b = 0; slots.b < ordinary; slots.b++) {
    for (slots.w = 0; slots.w < resources.watchpoints; slots.w++) {
      for (slots.c = ordinary; slots.c < resources.breakpoints; slots.c++) {
        for (unsigned i = 0; i < linux_case_count; i++) {
          if (!is_one_of(linux_cases[i].id, 7, 18)) continue;
          run_silently(&linux_cases[i]);
          runs++;
          if (failed && failures++ == 0) first_failure = linux_cases[i].id;
        }
      }
    }
  }
  if (failures == 0) {
    print("E19 PASS\n");
  } else {
    print("E19 FAIL got=0x%x want=0x0 (failed runs of %u, the first one %s)\n", failures, runs,
          first_failure);
  }
  return failures == 0;
}

int main(void) {
  bool all_passed = true;
  resources = debug_resources();
  slots = (struct slots){ .b = 0, .w = 0, .c = resources.breakpoints - resources.context_aware };
  struct slots first = slots;

  for (unsigned i = 0; i < linux_case_count; i++) all_passed &= run(&linux_cases[i]);
  all_passed &= run_matrix();
  slots = first;
  for (unsigned i = 0; i < architecture_case_count; i++) all_passed &= run(&architecture_cases[i]);
  print("DONE\n");
  return all_passed ? 0 : 1;
}
