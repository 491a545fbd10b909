import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { HostFolder } from '../../../../debug-adapter/host.ts';
import { openFolder } from '../../../../debug-adapter/hosts/node-folder.ts';
import {
  EACCES,
  EINVAL,
  ENOENT,
  type FileMode,
  type GuestFile,
} from '../../../../emulator/board/semihosting-files.ts';

const READ: FileMode = { read: true, write: false, create: false, truncate: false };
const WRITE: FileMode = { read: false, write: true, create: true, truncate: true };

describe('The folder of a semihosting guest', () => {
  let outer: string;
  let root: string;
  let folder: HostFolder;
  const secret = (): string => readFileSync(path.join(outer, 'secret'), 'utf8');

  beforeEach(() => {
    outer = mkdtempSync(path.join(tmpdir(), 'trapline-folder-'));
    root = path.join(outer, 'root');
    mkdirSync(path.join(root, 'sub'), { recursive: true });
    writeFileSync(path.join(outer, 'secret'), 'secret');
    writeFileSync(path.join(root, 'a'), 'inside');
    folder = openFolder(root);
  });
  afterEach(() => {
    folder.close();
    rmSync(outer, { recursive: true });
  });

  function file(name: string, mode: FileMode): GuestFile {
    const opened = folder.open(name, mode);
    assert.ok(typeof opened !== 'number', `${name} is open`);
    return opened;
  }

  it('has files that can be made, written, read, renamed and removed', () => {
    const made = file('sub/b', WRITE);
    assert.ok(made.write(0, Uint8Array.of(1, 2, 3)));
    made.close();
    assert.equal(folder.rename('sub/b', 'c'), 0);
    const read = file('c', READ);
    assert.deepEqual(read.read(1, 10), Uint8Array.of(2, 3));
    assert.equal(read.size(), 3);
    assert.equal(read.write(0, Uint8Array.of(9)), false, 'it was opened for reading');
    read.close();
    assert.equal(folder.remove('c'), 0);
    assert.equal(folder.open('c', READ), ENOENT);
  });

  it('keeps a file that is opened for reading and creates none', () => {
    assert.equal(folder.open('none', READ), ENOENT);
    assert.equal(existsSync(path.join(root, 'none')), false);
  });

  const outside = [
    '../secret',
    'sub/../../secret',
    'sub/..',
    '..',
    './../secret',
    'sub\\..\\..\\secret',
    '/etc/passwd',
    '//etc/passwd',
    '.',
    '',
    'a\0b',
  ];
  for (const name of outside) {
    it(`does not open, remove or rename ${JSON.stringify(name)}`, () => {
      const refused = (errno: unknown): void => {
        assert.ok(errno === EACCES || errno === EINVAL, String(errno));
      };
      refused(folder.open(name, READ));
      refused(folder.open(name, WRITE));
      refused(folder.remove(name));
      refused(folder.rename(name, 'taken'));
      refused(folder.rename('a', name));
      assert.equal(secret(), 'secret');
      assert.equal(readFileSync(path.join(root, 'a'), 'utf8'), 'inside');
    });
  }

  it('does not open the absolute path of one of its own files', () => {
    assert.equal(folder.open(path.join(root, 'a'), READ), EACCES);
  });

  describe('with symbolic links', () => {
    beforeEach(function () {
      if (process.platform === 'win32') this.skip();
      symlinkSync(path.join(outer, 'secret'), path.join(root, 'out'));
      symlinkSync(outer, path.join(root, 'up'));
      symlinkSync(path.join(outer, 'made'), path.join(root, 'dangling'));
      symlinkSync('a', path.join(root, 'in'));
      symlinkSync('loop', path.join(root, 'loop'));
    });

    it('follows one that stays inside', () => {
      assert.deepEqual(file('in', READ).read(0, 6), new TextEncoder().encode('inside'));
    });

    for (const name of ['out', 'up/secret', 'up/root/../secret', 'loop']) {
      it(`does not follow ${name}`, () => {
        for (const errno of [folder.open(name, READ), folder.open(name, WRITE)]) {
          assert.equal(errno, EACCES);
        }
        assert.equal(folder.remove(name), EACCES);
        assert.equal(folder.rename(name, 'taken'), EACCES);
        assert.equal(folder.rename('a', name), EACCES);
        assert.equal(secret(), 'secret');
      });
    }

    it('makes no file behind a link that leads to none', () => {
      assert.ok([EACCES, ENOENT].includes(folder.open('dangling', WRITE) as number));
      assert.ok(folder.open('up/made', WRITE) === EACCES);
      assert.equal(existsSync(path.join(outer, 'made')), false);
    });

    it('opens no pipe, device or folder', () => {
      execFileSync('mkfifo', [path.join(root, 'pipe')]);
      symlinkSync('/dev/null', path.join(root, 'null'));
      for (const name of ['pipe', 'null', 'sub']) assert.equal(folder.open(name, READ), EACCES);
      assert.equal(folder.remove('sub'), EACCES);
      assert.ok(lstatSync(path.join(root, 'pipe')).isFIFO());
    });

    it('may itself be reached by a link', () => {
      const linked = openFolder(path.join(root, 'up', 'root'));
      assert.equal(typeof linked.open('a', READ), 'object');
      linked.close();
    });
  });

  it('is refused where there is none', () => {
    assert.throws(() => openFolder(path.join(outer, 'none')), /does not exist/);
    assert.throws(() => openFolder(path.join(outer, 'secret')), /no folder/);
  });

  it('closes what the guest has left open', () => {
    const left = file('a', READ);
    folder.close();
    assert.equal(left.read(0, 1), undefined);
  });
});
