/**
 * A local HTTP server for download tests: serves one file honestly or with a fault per request. A
 * script is a list of behaviours, one per request in order; the last one repeats.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Served {
  readonly bytes: Uint8Array;
  readonly etag?: string;
  readonly lastModified?: string;
  /** Answers every request from the start, whatever Range says. */
  readonly ignoreRange?: boolean;
  /** Honours Range whatever If-Range says. */
  readonly ignoreIfRange?: boolean;
  /** Cuts the connection after this many bytes of the body. */
  readonly cutAfter?: number;
  /** Stops sending after this many bytes, keeps the connection open. */
  readonly stallAfter?: number;
  /** Goes on with single bytes, this far apart, after `stallAfter`. */
  readonly trickleMs?: number;
  /** Announces this length instead of the true one. */
  readonly announce?: number;
  /** Ends the body early although the length said more. */
  readonly chunked?: boolean;
  readonly type?: string;
  /** Moves the start of a partial answer by this much. */
  readonly shiftRange?: number;
}

export type Behaviour =
  | { readonly serve: Served }
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

export interface HostileServer {
  readonly url: string;
  /** Range header of every request so far. */
  readonly ranges: (string | undefined)[];
  readonly requests: IncomingMessage[];
  close(): Promise<void>;
}

export async function startServer(...script: readonly Behaviour[]): Promise<HostileServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const behaviour = script[Math.min(requests.length, script.length - 1)];
    requests.push(request);
    if (behaviour === undefined) throw new Error('expected a script');
    if ('serve' in behaviour) serve(behaviour.serve, request, response);
    else response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.bin`,
    get ranges() {
      return requests.map((request) => request.headers.range);
    },
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function serve(file: Served, request: IncomingMessage, response: ServerResponse): void {
  const offset = wantedOffset(file, request);
  const body = file.bytes.subarray(offset ?? 0);
  const headers: Record<string, string | number> = {
    'content-type': file.type ?? 'application/octet-stream',
  };
  if (file.etag !== undefined) headers.etag = file.etag;
  if (file.lastModified !== undefined) headers['last-modified'] = file.lastModified;
  if (!file.chunked) headers['content-length'] = file.announce ?? body.length;
  if (offset === null) response.writeHead(200, headers);
  else if (offset >= file.bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${file.bytes.length}` }).end();
    return;
  } else {
    const start = offset + (file.shiftRange ?? 0);
    headers['content-range'] = `bytes ${start}-${file.bytes.length - 1}/${file.bytes.length}`;
    response.writeHead(206, headers);
  }
  send(file, body, response);
}

function send(file: Served, body: Uint8Array, response: ServerResponse): void {
  const limit = file.cutAfter ?? file.stallAfter;
  if (limit === undefined) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, limit), () => {
    // Long enough for the first bytes to leave before the connection breaks.
    if (file.cutAfter !== undefined) setTimeout(() => response.destroy(), 20);
    if (file.trickleMs !== undefined) trickle(body, limit, file.trickleMs, response);
  });
}

function trickle(body: Uint8Array, from: number, everyMs: number, response: ServerResponse): void {
  let at = from;
  const timer = setInterval(() => {
    if (at === body.length || response.destroyed) clearInterval(timer);
    else response.write(body.subarray(at, ++at));
  }, everyMs);
}

function wantedOffset(file: Served, request: IncomingMessage): number | null {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  if (range === null || file.ignoreRange) return null;
  const condition = request.headers['if-range'];
  const isSame = condition === undefined || condition === (file.etag ?? file.lastModified);
  return isSame || file.ignoreIfRange ? Number(range[1]) : null;
}
