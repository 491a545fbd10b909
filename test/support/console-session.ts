/** What is typed at the prompt of samples/console to get its expected output; DEL mends a slip. */
export const CONSOLE_SESSION = 'help\rechoo\x7f hi there\rnonsense\rsleep 1\rclear\rexit 3\r';
