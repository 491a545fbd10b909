/** Linux from nothing to its shell, on our machine and on QEMU TCG. */
import { linuxImages } from '../linux/images.ts';
import type { Configuration } from '../linux/configurations.ts';
import { title } from '../linux/configurations.ts';
import { OurSession } from '../linux/our-machine.ts';
import { QemuSession } from '../linux/qemu.ts';
import { bootToShell } from '../linux/session.ts';
import type { LinuxSession } from '../linux/session.ts';
import type { Result } from './report.ts';

const CONFIGURATION: Configuration = { el: 1, gic: 3, cpus: 1, cpu: 'cortex-a72' };

/** A sentence where there are no images. */
export async function measureLinuxBoot(withQemu: boolean): Promise<Result[] | string> {
  const images = linuxImages(process.env['LINUX_IMAGES']);
  if (typeof images === 'string') return images;
  const theirs = withQemu
    ? await millisecondsToShell(() => new QemuSession(CONFIGURATION, images))
    : undefined;
  let session: OurSession | undefined;
  const ours = await millisecondsToShell(() => (session = new OurSession(CONFIGURATION, images)));
  const instructions = session?.machine.retired ?? 0n;
  return [
    {
      name: `Linux to its shell, ${title(CONFIGURATION)}`,
      unit: 'ms',
      ours,
      theirs,
      target: { kind: 'ratio', atLeast: 0.25 },
      note: `${Number(instructions / 1_000_000n)} million instructions`,
    },
  ];
}

async function millisecondsToShell(start: () => LinuxSession): Promise<number> {
  const begin = performance.now();
  const session = start();
  try {
    await bootToShell(session);
    return performance.now() - begin;
  } finally {
    session.dispose();
  }
}
