/* A prompt on the serial console: the guest waits for you, and you for it. */
#include "board.h"
#include "line.h"
#include "runtime.h"

struct command {
  const char *name;
  const char *help;
  void (*run)(const char *argument);
};

static void help(const char *argument);

static void echo(const char *argument) { print("%s\n", argument); }

static void show_time(const char *argument) {
  (void)argument;
  uint32_t seconds = rtc_seconds() % 86400;
  print("%02u:%02u:%02u UTC\n", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static unsigned to_number(const char *text) {
  unsigned number = 0;
  for (; *text >= '0' && *text <= '9'; text++) number = 10 * number + (unsigned)(*text - '0');
  return number;
}

static void sleep_command(const char *argument) {
  sleep_seconds(to_number(argument));
  print("done\n");
}

/* ED and CUP (ECMA-48): for the terminal, and of no effect on the Debug Console. */
static void clear(const char *argument) {
  (void)argument;
  print("\x1b[2J\x1b[H");
}

static void leave(const char *argument) { system_exit((int)to_number(argument)); }

static const struct command commands[] = {
  {"help", "this list", help},
  {"echo", "TEXT: says it again", echo},
  {"time", "by the board's clock", show_time},
  {"sleep", "SECONDS: as many of yours", sleep_command},
  {"clear", "the terminal", clear},
  {"exit", "STATUS: ends the run", leave},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static void help(const char *argument) {
  (void)argument;
  for (size_t i = 0; i < COMMANDS; i++) print("  %s  %s\n", commands[i].name, commands[i].help);
}

/** Where the argument begins, if the line is that command; else null. */
static const char *argument_of(const char *line, const char *name) {
  while (*name != '\0' && *line == *name) line++, name++;
  if (*name != '\0' || (*line != '\0' && *line != ' ')) return NULL;
  while (*line == ' ') line++;
  return line;
}

static void obey(const char *line) {
  if (*line == '\0') return;
  for (size_t i = 0; i < COMMANDS; i++) {
    const char *argument = argument_of(line, commands[i].name);
    if (argument != NULL) {
      commands[i].run(argument); // #RUN
      return;
    }
  }
  print("\"%s\" is no command; \"help\" lists them\n", line);
}

int main(void) {
  char line[80];
  board_initialise();
  print("Hello. Type \"help\".\n");
  for (;;) {
    print("\x1b[1;36m> \x1b[0m");
    read_line(line, sizeof line);
    obey(line);
  }
}
