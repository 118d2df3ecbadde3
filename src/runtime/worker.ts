/** Node's worker thread: connects the worker program to its port. */

import { parentPort } from 'node:worker_threads';
import { createWorkerProgram, type ToWorker } from '../engine/worker-protocol.ts';

if (parentPort) {
  const port = parentPort;
  const receive = createWorkerProgram((message) => port.postMessage(message));
  port.on('message', (message: ToWorker) => receive(message));
}
