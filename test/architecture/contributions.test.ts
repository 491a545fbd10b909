/** What package.json contributes and what the extension registers are the same commands and views. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Command {
  readonly command: string;
}

interface Contributions {
  readonly commands: readonly Command[];
  readonly keybindings: readonly Command[];
  readonly menus: Readonly<Record<string, readonly Command[]>>;
  readonly views: Readonly<Record<string, readonly { readonly id: string }[]>>;
  readonly debuggers: readonly { readonly variables: Readonly<Record<string, string>> }[];
}

const root = path.resolve(import.meta.dirname, '../..');
const { contributes } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  readonly contributes: Contributions;
};

const source = readdirSync(path.join(root, 'extension'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(path.join(root, 'extension', name), 'utf8'))
  .join('\n');

function captures(pattern: RegExp): string[] {
  return [...source.matchAll(pattern)].map((match) => match[1] ?? '').sort();
}

describe('contributions', () => {
  /** Called by a variable of a launch configuration, not by people. */
  const internal = contributes.debuggers.flatMap((it) => Object.values(it.variables));
  const commands = contributes.commands.map((it) => it.command);

  it('name the commands that the extension registers', () => {
    const registered = captures(/registerCommand\(\s*'(trapline\.[^']+)'/g);
    assert.deepEqual([...commands, ...internal].sort(), registered);
  });

  it('name the views that the extension fills', () => {
    const contributed = Object.values(contributes.views).flatMap((it) => it.map(({ id }) => id));
    assert.deepEqual(contributed.sort(), captures(/viewId = '(trapline\.[^']+)'/g));
  });

  it('use only contributed commands in menus and keybindings', () => {
    const used = [...Object.values(contributes.menus).flat(), ...contributes.keybindings];
    assert.deepEqual(
      used.filter((it) => !commands.includes(it.command)),
      [],
    );
  });
});
