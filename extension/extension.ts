/** What happens when VS Code activates the extension: everything is registered here and nothing is done. */
import * as vscode from 'vscode';
import { AccessInlays } from './access-inlays.ts';
import { comparePolicies } from './commands/compare-policies.ts';
import { drawSlots } from './commands/draw-slots.ts';
import { deviceAttribute } from './commands/device-attribute.ts';
import { hostActivity } from './commands/host-activity.ts';
import { switchFpPolicy } from './commands/switch-fp-policy.ts';
import { switchTraceScheme } from './commands/switch-trace-scheme.ts';
import { migrate } from './commands/migrate.ts';
import { startWithIdRegisters } from './commands/start-with-id-registers.ts';
import { sendText } from './commands/send-text.ts';
import { removeWatchpoint, setWatchpoint } from './commands/set-watchpoint.ts';
import { switchPolicy } from './commands/switch-policy.ts';
import { AdapterFactory } from './debug.ts';
import { DebuggerLink } from './debugger-link.ts';
import { registerLensCommands } from './lens-commands.ts';
import { Places } from './places.ts';
import { startLanguageClient } from './language-client.ts';
import { DEBUG_TYPE } from './protocol.ts';
import { SerialTerminals } from './serial-terminals.ts';
import { GuestSessions } from './sessions.ts';
import { registerStart } from './start.ts';
import { StatusBar } from './status-bar.ts';
import { DebugResourcesView } from './views/debug-resources.ts';
import { WorldSwitchView } from './views/world-switch.ts';
import { Watchpoints } from './watchpoints.ts';

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('Trapline', { log: true });
  const sessions = new GuestSessions();
  const places = new Places(sessions);
  const watchpoints = new Watchpoints(sessions, context.workspaceState);
  const terminals = new SerialTerminals(sessions);
  registerStart(context);
  const client = startLanguageClient(context, () => link);
  const link = new DebuggerLink(client, sessions);
  registerLensCommands(context, sessions, watchpoints);
  const { registerCommand } = vscode.commands;
  context.subscriptions.push(
    log,
    sessions,
    places,
    watchpoints,
    link,
    terminals,
    new StatusBar(sessions),
    new WorldSwitchView(sessions, places),
    new AccessInlays(sessions),
    new DebugResourcesView(sessions, watchpoints, places),
    vscode.debug.registerDebugAdapterDescriptorFactory(
      DEBUG_TYPE,
      new AdapterFactory(context, log, async (session) => {
        await watchpoints.whenArmed(session);
        await link.whenAnnotated(session);
        await terminals.whenAttached(session);
      }),
    ),
    registerCommand('trapline.setWatchpoint', (given: unknown) =>
      setWatchpoint(sessions, watchpoints, given),
    ),
    registerCommand('trapline.removeWatchpoint', (given: unknown) =>
      removeWatchpoint(sessions, watchpoints, given),
    ),
    registerCommand('trapline.switchPolicy', () => switchPolicy(sessions)),
    registerCommand('trapline.comparePolicies', () => comparePolicies(sessions)),
    registerCommand('trapline.switchFpPolicy', () => switchFpPolicy(sessions)),
    registerCommand('trapline.switchTraceScheme', () => switchTraceScheme(sessions)),
    registerCommand('trapline.hostActivity', () => hostActivity(sessions)),
    registerCommand('trapline.deviceAttribute', () => deviceAttribute(sessions)),
    registerCommand('trapline.migrate', () => migrate(sessions)),
    registerCommand('trapline.startWithIdRegisters', () => startWithIdRegisters()),
    registerCommand('trapline.drawSlots', () => drawSlots(sessions)),
    registerCommand('trapline.showTerminal', () => terminals.show()),
    registerCommand('trapline.sendText', () => sendText(sessions)),
  );
}
