/** The adapter as a server, for clients that connect and for debugging the adapter itself. */
import { createServer, type Server } from 'node:net';
import type { MachineFactory } from '../machine.ts';
import { TraplineSession } from '../session.ts';
import { createNodeHost } from './node-host.ts';

/**
 * Listens on 127.0.0.1 only: whoever connects may read files with our rights. One session per connection.
 * @param port 0 for any that is free
 */
export function serveTcp(factory: MachineFactory, port: number): Server {
  const log = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  const server = createServer((socket) => {
    const host = createNodeHost({ workspaceFolders: [process.cwd()], log });
    const session = new TraplineSession(host, factory);
    session.setRunAsServer(true);
    session.onEnded = () => {
      socket.end();
    };
    socket.on('close', () => {
      session.shutdown();
    });
    socket.on('error', (error) => {
      log(error.message);
    });
    session.start(socket, socket);
  });
  server.on('error', (error) => {
    log(`Cannot listen on 127.0.0.1:${port}: ${error.message}`);
    process.exitCode = 1;
  });
  server.listen(port, '127.0.0.1', () => {
    const address = server.address();
    const actual = typeof address === 'object' && address !== null ? address.port : port;
    log(`Trapline's debug adapter listens on 127.0.0.1:${actual}`);
  });
  return server;
}
