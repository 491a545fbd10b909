/** The adapter in a worker thread: protocol messages are posted as they are, without framing. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { MessagePort } from 'node:worker_threads';
import type { MachineFactory } from '../machine.ts';
import { TraplineSession } from '../session.ts';
import { createNodeHost } from './node-host.ts';

/** What the thread that starts the worker gives as `workerData`. */
export interface WorkerData {
  readonly workspaceFolders?: readonly string[];
}

/** A message that is no protocol message: text for the log. */
export interface LogMessage {
  readonly type: 'log';
  readonly text: string;
}

export function serveWorker(factory: MachineFactory, port: MessagePort, data: unknown): void {
  const { workspaceFolders = [] } = (data ?? {}) as WorkerData;
  const log = (text: string): void => {
    port.postMessage({ type: 'log', text } satisfies LogMessage);
  };
  const session = new TraplineSession(createNodeHost({ workspaceFolders, log }), factory);
  session.setRunAsServer(true);
  session.onEnded = () => {
    // Messages that are under way are still delivered.
    port.close();
  };
  session.onDidSendMessage((message) => {
    port.postMessage(message);
  });
  port.on('message', (message: DebugProtocol.ProtocolMessage) => {
    session.handleMessage(message);
  });
}
