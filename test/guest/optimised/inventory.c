/*
 * A warehouse of a few items, built with gcc -O2: small structs that travel in registers, a sort through a function
 * pointer, a tree grown and measured by recursion, helpers that are inlined twice, and calls in tail position.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct item {
  uint32_t id;
  int16_t weight;
  char grade;
  bool fragile;
};

struct range {
  int64_t low;
  int64_t high;
};

struct node {
  struct item item;
  struct node *left, *right;
};

typedef int (*comparison)(const struct item *, const struct item *);

enum { ITEMS = 7 };

static struct node pool[ITEMS];
static size_t pool_used;
static uint64_t journal;
volatile uint32_t seed = 12345;

static inline uint32_t next_random(uint32_t *state) {
  uint32_t value = *state;
  value ^= value << 13;
  value ^= value >> 17;
  value ^= value << 5;
  *state = value;
  return value;
}

static inline uint64_t rotate(uint64_t word, unsigned count) {
  unsigned left = count & 63;
  return left == 0 ? word : word << left | word >> (64 - left);
}

static void __attribute__((noinline)) note(uint64_t what) {
  uint64_t mixed = rotate(journal, 7) ^ what;
  journal = mixed;
}

static int by_weight(const struct item *a, const struct item *b) {
  int difference = a->weight - b->weight;
  return difference;
}

static int by_id(const struct item *a, const struct item *b) {
  if (a->id == b->id) return 0;
  return a->id < b->id ? -1 : 1;
}

static struct item __attribute__((noinline)) make_item(uint32_t *state) {
  uint32_t random = next_random(state);
  struct item made = {
    .id = random % 1000,
    .weight = (int16_t)(random >> 8) % 500,
    .grade = (char)('A' + (random >> 4) % 5),
    .fragile = (random & 1) != 0,
  };
  return made;
}

static int __attribute__((noinline)) sort(struct item *items, int count, comparison compare) {
  int swaps = 0;
  for (int i = 1; i < count; i++) {
    struct item moving = items[i];
    int at = i;
    while (at > 0 && compare(&items[at - 1], &moving) > 0) {
      items[at] = items[at - 1];
      at--;
      swaps++;
    }
    items[at] = moving;
  }
  return swaps;
}

static struct range __attribute__((noinline)) widen(struct range range, struct item item) {
  int64_t weight = item.weight;
  if (weight < range.low) range.low = weight;
  if (weight > range.high) range.high = weight;
  return range;
}

static struct node *__attribute__((noinline)) insert(struct node *tree, struct item item) {
  if (tree == NULL) {
    struct node *fresh = &pool[pool_used++];
    fresh->item = item;
    return fresh;
  }
  int order = by_id(&item, &tree->item);
  if (order < 0)
    tree->left = insert(tree->left, item);
  else
    tree->right = insert(tree->right, item);
  return tree;
}

static unsigned __attribute__((noinline)) depth(const struct node *tree) {
  if (tree == NULL) return 0;
  unsigned left = depth(tree->left);
  unsigned right = depth(tree->right);
  return 1 + (left > right ? left : right);
}

/* In tail position: at -O2 this is a jump. */
static void __attribute__((noinline)) report(const struct item *item, unsigned factor) {
  uint64_t scaled = (uint64_t)item->id * factor;
  note(scaled);
}

static int __attribute__((noinline)) total_weight(const struct item *items, int count) {
  int total = 0;
  for (int i = 0; i < count; i++) {
    const struct item *item = &items[i];
    int weight = item->weight;
    if (item->fragile) weight *= 2;
    total += weight;
  }
  return total;
}

int main(void) {
  uint32_t state = seed;
  struct item items[ITEMS];
  struct node *tree = NULL;
  struct range range = { INT64_MAX, INT64_MIN };

  for (int i = 0; i < ITEMS; i++) {
    items[i] = make_item(&state);
    range = widen(range, items[i]);
    tree = insert(tree, items[i]);
  }
  unsigned levels = depth(tree);
  int swaps = sort(items, ITEMS, by_weight);
  int total = total_weight(items, ITEMS);
  note(rotate((uint64_t)total, levels));
  swaps += sort(items, ITEMS, by_id);
  for (const struct item *item = items; item < items + ITEMS; item++) report(item, levels);
  int64_t span = range.high - range.low;
  note((uint64_t)span);
  bool good = swaps > 0 && journal != 0;
  return good ? 0 : 1;
}
