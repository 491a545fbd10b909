/* A printf small enough to read, and the two functions that the compiler calls on its own. */
#include <stdarg.h>

#include "runtime.h"

static void put_string(const char *text) {
  while (*text) uart_putc(*text++);
}

static void put_number(uint64_t value, unsigned base, int width) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  for (int pad = count; pad < width; pad++) uart_putc('0');
  while (count > 0) uart_putc(digits[--count]);
}

static void put_signed(int64_t value) {
  if (value < 0) uart_putc('-');
  put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, 0);
}

void print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (; *format; format++) {
    if (*format != '%') {
      uart_putc(*format);
      continue;
    }
    format++;
    int width = 0;
    while (*format >= '0' && *format <= '9') width = width * 10 + (*format++ - '0');
    bool is_long = *format == 'l';
    if (is_long) format++;
    switch (*format) {
      case 's':
        put_string(va_arg(arguments, const char *));
        break;
      case 'c':
        uart_putc((char)va_arg(arguments, int));
        break;
      case 'd':
        put_signed(is_long ? va_arg(arguments, int64_t) : va_arg(arguments, int));
        break;
      case 'u':
        put_number(is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned), 10, width);
        break;
      case 'x':
        put_number(is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned), 16, width);
        break;
      default:
        uart_putc('%');
        uart_putc(*format);
        break;
    }
  }
  va_end(arguments);
}

void *memset(void *destination, int value, size_t size) {
  uint8_t *bytes = destination;
  for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)value;
  return destination;
}

void *memcpy(void *destination, const void *source, size_t size) {
  uint8_t *to = destination;
  const uint8_t *from = source;
  for (size_t i = 0; i < size; i++) to[i] = from[i];
  return destination;
}
