/* A line of text from the serial console. */
#ifndef LINE_H
#define LINE_H

#include <stddef.h>

/** Reads up to Return, echoes what is typed and obeys Backspace. `size` counts the NUL. */
void read_line(char *line, size_t size);

#endif
