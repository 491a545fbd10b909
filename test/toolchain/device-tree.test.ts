/** The board's device tree, read back by dtc, is QEMU's without what the board lacks. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boardDeviceTree } from '../../emulator/board/device-tree.ts';
import type { BoardConfiguration } from '../../emulator/board/device-tree.ts';
import { flattenDeviceTree } from '../../emulator/board/flattened-device-tree.ts';
import { run, skipBecause, versionOf } from './tools.ts';

const QEMU = 'qemu-system-aarch64';

/** Text of every property by path, and an empty text for every node. */
function parseSource(source: string): Map<string, string> {
  const found = new Map<string, string>();
  const path: string[] = [];
  for (const line of source.split('\n').map((text) => text.trim())) {
    const opened = /^(\S+) \{$/.exec(line)?.[1];
    const property = /^([^\s=]+)(?: = (.*))?;$/.exec(line);
    if (opened !== undefined) {
      path.push(opened === '/' ? '' : opened);
      found.set(`${path.join('/')}/`, '');
    } else if (line === '};') {
      path.pop();
    } else if (property !== null) {
      found.set(`${path.join('/')}/${property[1] ?? ''}`, property[2] ?? '');
    }
  }
  return found;
}

/** Phandles are anybody's choice: the node's path stands for each. */
function resolvePhandles(tree: ReadonlyMap<string, string>): Map<string, string> {
  const nodes = new Map<number, string>();
  for (const [path, text] of tree) {
    if (!path.endsWith('/phandle')) continue;
    nodes.set(Number(/<(\S+)>/.exec(text)?.[1]), path.slice(0, -'/phandle'.length));
  }
  const resolved = new Map<string, string>();
  for (const [path, text] of tree) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (name === 'phandle') continue;
    const every = name === 'clocks' || name === 'interrupt-parent' || name === 'cpu';
    const replaced = text
      .slice(1, -1)
      .split(' ')
      .map((cell, index) => {
        return every || index === 0 ? (nodes.get(Number(cell)) ?? `no node ${cell}`) : cell;
      });
    resolved.set(path, every || name === 'gpios' ? replaced.join(' ') : text);
  }
  return resolved;
}

const configurations: readonly { title: string; qemu: string[]; board: BoardConfiguration }[] = [
  {
    title: 'one processor at EL1',
    qemu: ['-M', 'virt,gic-version=2', '-smp', '1', '-m', '256'],
    board: {
      cpus: 1,
      ram: [{ base: 0x4000_0000n, size: 256 << 20 }],
      el: 1,
      gic: 2,
      bootargs: '',
    },
  },
  {
    title: 'four processors at EL2, with a command line',
    qemu: ['-M', 'virt,gic-version=2,virtualization=on', '-smp', '4', '-m', '1024'],
    board: {
      cpus: 4,
      ram: [{ base: 0x4000_0000n, size: 1024 << 20 }],
      el: 2,
      gic: 2,
      bootargs: 'console=ttyAMA0 quiet',
    },
  },
  {
    title: 'one processor at EL1 with GICv3',
    qemu: ['-M', 'virt,gic-version=3', '-smp', '1', '-m', '256'],
    board: {
      cpus: 1,
      ram: [{ base: 0x4000_0000n, size: 256 << 20 }],
      el: 1,
      gic: 3,
      bootargs: '',
    },
  },
  {
    title: 'two processors at EL2 with GICv3',
    qemu: ['-M', 'virt,gic-version=3,virtualization=on', '-smp', '2', '-m', '256'],
    board: {
      cpus: 2,
      ram: [{ base: 0x4000_0000n, size: 256 << 20 }],
      el: 2,
      gic: 3,
      bootargs: '',
    },
  },
];

describe('Device tree', () => {
  let folder = '';

  before(function () {
    if (versionOf('dtc') === undefined) skipBecause(this, 'dtc is not installed');
    folder = mkdtempSync(join(tmpdir(), 'trapline-device-tree-'));
  });

  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  function decompile(path: string, quiet: boolean): Map<string, string> {
    const flags = quiet ? ['-q'] : [];
    const dtc = run('dtc', [...flags, '-I', 'dtb', '-O', 'dts', path], 10_000);
    assert.equal(dtc.status, 0, dtc.errors);
    if (!quiet) assert.equal(dtc.errors, '', 'dtc has nothing to complain about');
    return resolvePhandles(parseSource(dtc.output));
  }

  function ours(board: BoardConfiguration): Map<string, string> {
    const path = join(folder, 'board.dtb');
    writeFileSync(path, flattenDeviceTree(boardDeviceTree(board)));
    return decompile(path, false);
  }

  for (const { title, qemu, board } of configurations) {
    it(`of ${title} is QEMU's in every property that both have`, function () {
      this.timeout(20_000);
      if (versionOf(QEMU) === undefined) skipBecause(this, `${QEMU} is not installed`);
      const dump = join(folder, 'qemu.dtb');
      const machine = [...qemu.slice(0, 1), `${qemu[1] ?? ''},dumpdtb=${dump}`, ...qemu.slice(2)];
      const dumped = run(QEMU, [...machine, '-cpu', 'cortex-a72', '-nographic'], 15_000);
      assert.equal(dumped.status, 0, dumped.errors);
      const theirs = decompile(dump, true);

      const different = [...ours(board)].filter(([path, text]) => theirs.get(path) !== text);
      const expected: [string, string][] = Array.from({ length: board.cpus }, (_, cpu) => [
        `/cpus/cpu@${cpu}/compatible`,
        '"arm,armv8"',
      ]);
      if (board.bootargs !== '') expected.push(['/chosen/bootargs', `"${board.bootargs}"`]);
      assert.deepEqual(new Map(different), new Map(expected));
    });
  }

  it('names the initial RAM disk', () => {
    const [first] = configurations;
    assert.ok(first);
    const tree = ours({ ...first.board, initrd: { start: 0x4800_0000n, end: 0x4812_3456n } });
    assert.equal(tree.get('/chosen/linux,initrd-start'), '<0x00 0x48000000>');
    assert.equal(tree.get('/chosen/linux,initrd-end'), '<0x00 0x48123456>');
  });
});
