import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findPrograms, isSearched, mayBeProgram } from '../../../extension/elf-finder.ts';

const guest = path.resolve(import.meta.dirname, '../../../samples/hello/hello.elf');

describe('the search for programs', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'trapline-finder-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function put(name: string): string {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    cpSync(guest, file);
    return file;
  }

  async function found(
    ...limits: Parameters<typeof findPrograms> extends [string, ...infer Rest] ? Rest : never
  ): Promise<string[]> {
    const programs = await findPrograms(folder, ...limits);
    return programs.map((it) => path.relative(folder, it.path).split(path.sep).join('/'));
  }

  it('finds programs in any folder and under any name', async () => {
    put('kernel');
    put('build/guest.elf');
    put('out/debug/image.axf');
    assert.deepEqual((await found()).sort(), ['build/guest.elf', 'kernel', 'out/debug/image.axf']);
  });

  it('gives the newest first', async () => {
    for (const [name, seconds] of [
      ['old.elf', 1_000],
      ['new.elf', 3_000],
      ['middle.elf', 2_000],
    ] as const) {
      utimesSync(put(name), seconds, seconds);
    }
    assert.deepEqual(await found(), ['new.elf', 'middle.elf', 'old.elf']);
  });

  it('leaves out hidden folders, node_modules, and what is no program by its name or content', async () => {
    put('.git/objects/a.elf');
    put('node_modules/a/a.elf');
    put('main.o');
    put('libguest.so.1');
    writeFileSync(path.join(folder, 'notes'), 'text '.repeat(50));
    writeFileSync(path.join(folder, 'empty.elf'), '');
    assert.deepEqual(await found(), []);
  });

  it('follows a link to a file, not to a folder', async () => {
    const file = put('build/guest.elf');
    symlinkSync(file, path.join(folder, 'latest.elf'));
    symlinkSync(path.join(folder, 'build'), path.join(folder, 'current'));
    symlinkSync(path.join(folder, 'gone'), path.join(folder, 'broken'));
    assert.deepEqual((await found()).sort(), ['build/guest.elf', 'latest.elf']);
  });

  it('stops at its limits, with the folders nearest to the top', async () => {
    put('a/b/c/deep.elf');
    put('top.elf');
    assert.deepEqual(await found({ entries: 1000, depth: 3 }), ['top.elf']);
    assert.deepEqual(await found({ entries: 2, depth: 8 }), ['top.elf']);
  });

  it('finds nothing in a folder that does not exist', async () => {
    assert.deepEqual(await findPrograms(path.join(folder, 'missing')), []);
  });

  it('says which changes on the disk concern it', () => {
    assert.equal(isSearched('build/guest.elf'), true);
    assert.equal(isSearched('build'), true);
    assert.equal(isSearched('main.c'), false);
    assert.equal(isSearched('.git/index'), false);
    assert.equal(isSearched('a/node_modules/b/c'), false);
    assert.equal(mayBeProgram('vmlinux'), true);
    assert.equal(mayBeProgram('libc.so.6'), false);
  });
});
