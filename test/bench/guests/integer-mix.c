// Linked list, small matrix, a state machine over text and a CRC: the mix that CPU benchmarks use.
#include <stdint.h>

struct node { struct node *next; int32_t key; int32_t value; };
static struct node nodes[64];
static int32_t a[16][16], b[16][16], c[16][16];
static const char text[] = "0x1f,-12.5,77,abc,+3e7,0b101,9999,-0,3.14159,--,x,12";

static uint16_t crc16(uint16_t crc, uint32_t data) {
  for (int i = 0; i < 32; i++) {
    uint32_t bit = (crc ^ data) & 1;
    crc >>= 1;
    if (bit) crc ^= 0xa001;
    data >>= 1;
  }
  return crc;
}

static uint32_t list_walk(uint32_t seed) {
  for (int i = 0; i < 64; i++) {
    nodes[i].next = i < 63 ? &nodes[i + 1] : 0;
    nodes[i].key = (int32_t)((seed * 1103515245u + (uint32_t)i * 12345u) >> 8 & 0xffff);
    nodes[i].value = i;
  }
  struct node *head = &nodes[0], *sorted = 0;
  while (head) {
    struct node *next = head->next, **at = &sorted;
    while (*at && (*at)->key < head->key) at = &(*at)->next;
    head->next = *at;
    *at = head;
    head = next;
  }
  uint32_t sum = 0, place = 1;
  for (struct node *n = sorted; n; n = n->next) sum += (uint32_t)n->value * place++;
  return sum;
}

static uint32_t matrix(uint32_t seed) {
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 16; j++) {
      a[i][j] = (int32_t)(seed + (uint32_t)(i * j)) & 0xff;
      b[i][j] = (int32_t)(seed ^ (uint32_t)(i + j)) & 0xff;
    }
  uint32_t sum = 0;
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 16; j++) {
      int32_t dot = 0;
      for (int k = 0; k < 16; k++) dot += a[i][k] * b[k][j];
      c[i][j] = dot;
      sum += (uint32_t)dot;
    }
  return sum;
}

enum state { START, SIGN, INTEGER, FRACTION, EXPONENT, WORD, STATES };

static uint32_t scan(void) {
  uint32_t counts[STATES] = {0};
  enum state state = START;
  for (const char *p = text; *p; p++) {
    char ch = *p;
    if (ch == ',') { counts[state]++; state = START; continue; }
    switch (state) {
      case START: state = ch == '-' || ch == '+' ? SIGN : ch >= '0' && ch <= '9' ? INTEGER : WORD; break;
      case SIGN: state = ch >= '0' && ch <= '9' ? INTEGER : WORD; break;
      case INTEGER: state = ch == '.' ? FRACTION : ch == 'e' ? EXPONENT : ch >= '0' && ch <= '9' ? INTEGER : WORD; break;
      case FRACTION: state = ch == 'e' ? EXPONENT : ch >= '0' && ch <= '9' ? FRACTION : WORD; break;
      default: break;
    }
  }
  uint32_t sum = 0;
  for (int i = 0; i < STATES; i++) sum = sum * 31 + counts[i];
  return sum;
}

uint64_t work(uint32_t iterations) {
  uint16_t crc = 0xffff;
  for (uint32_t i = 0; i < iterations; i++) {
    crc = crc16(crc, list_walk(i));
    crc = crc16(crc, matrix(i));
    crc = crc16(crc, scan());
  }
  return crc;
}
