/*
 * A calculator by recursive descent, built with clang -O2: mutual recursion, a struct result in two registers, a union,
 * bit-fields, a table of function pointers, strings, and scopes within scopes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind { NUMBER, OPERATOR, OPEN, CLOSE, END };

struct token {
  enum kind kind;
  union {
    int64_t number;
    char symbol;
  } as;
};

struct flags {
  unsigned negative : 1;
  unsigned digits : 5;
  unsigned overflow : 1;
};

struct result {
  int64_t value;
  const char *error;
};

struct parser {
  const char *text;
  const char *at;
  struct token token;
  int nesting;
};

typedef int64_t (*operation)(int64_t, int64_t);

static int64_t plus(int64_t a, int64_t b) { return a + b; }
static int64_t minus(int64_t a, int64_t b) { return a - b; }
static int64_t times(int64_t a, int64_t b) { return a * b; }

static int64_t power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if (exponent & 1) result *= base;
    base *= base;
    exponent >>= 1;
  }
  return result;
}

static const struct {
  char symbol;
  uint8_t binding;
  operation apply;
} operators[] = { { '+', 1, plus }, { '-', 1, minus }, { '*', 2, times }, { '^', 3, power } };

static const char *const sources[] = { "1 + 2*3", "(7-2)^3 * (1+1)", "2*(3+4", "12 - x" };
volatile int chosen = 4;
static struct result results[4];

static inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

static inline const char *skip_blanks(const char *from) {
  while (*from == ' ') from++;
  return from;
}

static void __attribute__((noinline)) advance(struct parser *parser) {
  const char *at = skip_blanks(parser->at);
  struct token token = { END, { 0 } };
  if (is_digit(*at)) {
    int64_t number = 0;
    while (is_digit(*at)) {
      int digit = *at++ - '0';
      number = number * 10 + digit;
    }
    token.kind = NUMBER;
    token.as.number = number;
  } else if (*at != '\0') {
    char symbol = *at++;
    token.kind = symbol == '(' ? OPEN : symbol == ')' ? CLOSE : OPERATOR;
    token.as.symbol = symbol;
  }
  parser->at = at;
  parser->token = token;
}

static struct result __attribute__((noinline)) fail(const struct parser *parser, const char *why) {
  ptrdiff_t column = parser->at - parser->text;
  struct result failed = { column, why };
  return failed;
}

static struct result expression(struct parser *parser, int binding);

static struct result __attribute__((noinline)) primary(struct parser *parser) {
  struct token token = parser->token;
  advance(parser);
  switch (token.kind) {
    case NUMBER: {
      struct result number = { token.as.number, NULL };
      return number;
    }
    case OPEN: {
      parser->nesting++;
      struct result inner = expression(parser, 0);
      if (inner.error != NULL) return inner;
      if (parser->token.kind != CLOSE) return fail(parser, "a parenthesis is open");
      parser->nesting--;
      advance(parser);
      return inner;
    }
    default:
      return fail(parser, "a number is missing");
  }
}

static int find_operator(const struct token *token) {
  if (token->kind != OPERATOR) return -1;
  for (int i = 0; i < 4; i++) {
    if (operators[i].symbol == token->as.symbol) return i;
  }
  return -1;
}

static struct result __attribute__((noinline)) expression(struct parser *parser, int binding) {
  struct result left = primary(parser);
  while (left.error == NULL) {
    int found = find_operator(&parser->token);
    if (found < 0 || operators[found].binding <= binding) break;
    advance(parser);
    struct result right = expression(parser, operators[found].binding);
    if (right.error != NULL) return right;
    left.value = operators[found].apply(left.value, right.value);
  }
  return left;
}

static struct flags __attribute__((noinline)) describe(int64_t value) {
  struct flags flags = { .negative = value < 0 };
  uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
  while (magnitude != 0) {
    flags.digits++;
    magnitude /= 10;
  }
  flags.overflow = flags.digits > 9;
  return flags;
}

static struct result __attribute__((noinline)) calculate(const char *text) {
  struct parser parser = { .text = text, .at = text };
  advance(&parser);
  struct result result = expression(&parser, 0);
  if (result.error == NULL && parser.token.kind != END) return fail(&parser, "there is more");
  return result;
}

int main(void) {
  int good = 0;
  unsigned digits = 0;
  for (int i = 0; i < chosen; i++) {
    struct result result = calculate(sources[i]);
    results[i] = result;
    if (result.error == NULL) {
      struct flags flags = describe(result.value);
      digits += flags.digits;
      good++;
    }
  }
  return good == 2 && digits == 4 ? 0 : 1;
}
