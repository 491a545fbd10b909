/** Include folders of a project, from its compile_commands.json. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Command {
  readonly file?: string;
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

/** What a command says about the meaning of its source: folders, names, processor, language; not what it writes. */
export function meaningfulFlags(command: Command): string[] {
  const words = command.arguments ?? splitCommand(command.command ?? '');
  const directory = command.directory ?? '.';
  const flags: string[] = [];
  for (let index = 1; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const folder = /^(-I|-isystem|-iquote)(.*)$/.exec(word);
    if (folder) {
      const path = folder[2] === '' ? words[(index += 1)] : folder[2];
      if (path !== undefined && path !== '') flags.push(folder[1] ?? '', resolve(directory, path));
    } else if (/^-(?:[DU]|x|include|target)$/.test(word)) {
      const value = words[(index += 1)];
      if (value !== undefined) flags.push(word, value);
    } else if (/^(?:-[DU].+|-m.+|-std=.+|--target=.+)$/.test(word)) flags.push(word);
  }
  return flags;
}

function commandsOf(root: string): Command[] {
  return ['compile_commands.json', join('build', 'compile_commands.json')].flatMap((name) => {
    try {
      const commands: unknown = JSON.parse(readFileSync(join(root, name), 'utf8'));
      return Array.isArray(commands) ? (commands.slice(0, 20_000) as Command[]) : [];
    } catch {
      // No such file, or one that another tool is writing at this moment.
      return [];
    }
  });
}

/** The flags of a file; undefined where no project has a command for it. */
export function flagsOf(roots: readonly string[], path: string): readonly string[] | undefined {
  for (const root of roots) {
    const command = commandsOf(root).find(
      ({ file, directory }) => file !== undefined && resolve(directory ?? root, file) === path,
    );
    if (command) return meaningfulFlags(command);
  }
  return undefined;
}

/** As URIs; none where the project has no such file. */
export function includeFoldersOf(root: string): string[] {
  const found = new Set<string>();
  for (const command of commandsOf(root)) {
    for (const folder of includePaths(command)) found.add(pathToFileURL(join(folder, '/')).href);
  }
  for (const folder of ['', 'include']) found.add(pathToFileURL(join(root, folder, '/')).href);
  return [...found];
}
