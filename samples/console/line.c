/* What a terminal driver does for programs: echo, and a line that can be mended. */
#include "line.h"

#include "board.h"
#include "runtime.h"

#define DELETE 0x7f
#define CTRL_U 0x15

static void rub_out(void) { print("\b \b"); }

void read_line(char *line, size_t size) {
  size_t length = 0;
  for (;;) {
    char typed = uart_getc();
    if (typed == '\r' || typed == '\n') break;
    if (typed == '\b' || typed == DELETE) {
      if (length > 0) {
        length--;
        rub_out();
      }
    } else if (typed == CTRL_U) {
      for (; length > 0; length--) rub_out();
    } else if (typed >= ' ' && length < size - 1) {
      line[length++] = typed; // #TYPED
      uart_putc(typed);
    }
  }
  line[length] = '\0';
  print("\n");
}
