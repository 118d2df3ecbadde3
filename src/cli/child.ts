/**
 * Another program of the checkout in a process of its own, which ends with this one: signals go on to it, and
 * a channel between the two closes when this process is gone in any other way. Returns its exit code; a
 * signal that ended it ends this process too.
 */

import { spawn } from 'node:child_process';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function runProgram(script: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  let received: NodeJS.Signals | undefined;
  const pass = (signal: NodeJS.Signals): void => {
    received = signal;
    child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, pass);
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(
      (resolve, reject) => {
        child.once('error', reject);
        child.once('exit', (...end) => resolve(end));
      },
    );
    const ending = received ?? signal;
    if (ending === null) return code ?? 1;
    for (const each of SIGNALS) process.off(each, pass);
    process.kill(process.pid, ending);
    return 1;
  } finally {
    for (const signal of SIGNALS) process.off(signal, pass);
  }
}
