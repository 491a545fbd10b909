/** Include folders of a project, from its compile_commands.json. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Command {
  readonly directory?: string;
  readonly command?: string;
  readonly arguments?: readonly string[];
}

/** Folders after `-I`, `-isystem` and `-iquote`, in order. */
export function includePaths(command: Command): string[] {
  const words = command.arguments ?? splitCommand(command.command ?? '');
  const folders: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const match = /^(-I|-isystem|-iquote)(.*)$/.exec(word);
    if (!match) continue;
    const path = match[2] === '' ? words[(index += 1)] : match[2];
    if (path !== undefined && path !== '') folders.push(resolve(command.directory ?? '.', path));
  }
  return folders;
}

/** Words of a shell command, with quotes and backslashes taken off. */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  for (const [, single, double, plain] of text.matchAll(
    /'([^']*)'|"((?:[^"\\]|\\.)*)"|((?:[^\s'"\\]|\\.)+)/gs,
  )) {
    words.push(single ?? (double ?? plain ?? '').replace(/\\(.)/gs, '$1'));
  }
  return words;
}

/** As URIs; none where the project has no such file. */
export function includeFoldersOf(root: string): string[] {
  const found = new Set<string>();
  for (const name of ['compile_commands.json', join('build', 'compile_commands.json')]) {
    let commands: unknown;
    try {
      commands = JSON.parse(readFileSync(join(root, name), 'utf8'));
    } catch {
      // No such file, or one that another tool is writing at this moment.
      continue;
    }
    if (!Array.isArray(commands)) continue;
    for (const command of commands.slice(0, 20_000) as Command[]) {
      for (const folder of includePaths(command)) found.add(pathToFileURL(join(folder, '/')).href);
    }
  }
  for (const folder of ['', 'include']) found.add(pathToFileURL(join(root, folder, '/')).href);
  return [...found];
}
