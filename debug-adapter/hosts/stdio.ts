/** The adapter over standard input and output, as editors start it. */
import type { MachineFactory } from '../machine.ts';
import { TraplineSession } from '../session.ts';
import { createNodeHost } from './node-host.ts';

/** The process ends when the client closes its side, or disconnects. */
export function serveStdio(factory: MachineFactory): void {
  const host = createNodeHost({
    workspaceFolders: [process.cwd()],
    log(text) {
      process.stderr.write(`${text}\n`);
    },
  });
  const session = new TraplineSession(host, factory);
  session.setRunAsServer(true);
  session.onEnded = () => {
    // What was written before is still delivered.
    process.stdout.write('', () => {
      process.exit(0);
    });
  };
  const end = (): void => {
    session.shutdown();
  };
  session.on('close', end);
  process.on('SIGTERM', end);
  session.start(process.stdin, process.stdout);
}
