/**
 * The adapter as a program. In a worker thread it talks over the thread's port; on its own over standard input and
 * output, or with `--server=PORT` as a server on 127.0.0.1.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { machineFactory } from '../machine-factory.ts';
import { serveWorker } from './node-worker.ts';
import { serveStdio } from './stdio.ts';
import { serveTcp } from './tcp.ts';

const USAGE = `usage: debug-adapter [--server=PORT]
  without options  the Debug Adapter Protocol on standard input and output
  --server=PORT    the same on 127.0.0.1:PORT, any number of sessions
`;

function main(options: readonly string[]): void {
  if (!isMainThread && parentPort !== null) {
    serveWorker(machineFactory, parentPort, workerData);
    return;
  }
  const [option, ...more] = options;
  if (option === undefined) {
    serveStdio(machineFactory);
    return;
  }
  const port = /^--server=(\d{1,5})$/.exec(option)?.[1];
  if (port === undefined || Number(port) > 65535 || more.length > 0) {
    const known = option === '--help' || option === '-h';
    (known ? process.stdout : process.stderr).write(USAGE);
    process.exitCode = known ? 0 : 2;
    return;
  }
  serveTcp(machineFactory, Number(port));
}

main(process.argv.slice(2));
