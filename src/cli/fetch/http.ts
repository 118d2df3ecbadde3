/**
 * One GET request with redirects followed by hand. Receives an address and headers, returns the first
 * response that is no redirect. Refuses loops, other protocols, and a step from https down to http
 * (except to this machine). Network failures, stalls and a trickle are TransientFailures.
 */

import { AddressFault } from './address-fault.ts';
import { TransientFailure } from './retry.ts';
import type { Watchdog } from './watchdog.ts';

const MAX_REDIRECTS = 8;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface Answer {
  readonly response: Response;
  /** Where the response came from, after redirects. */
  readonly url: string;
}

export async function get(
  address: string,
  headers: Readonly<Record<string, string>>,
  watchdog: Watchdog,
): Promise<Answer> {
  let url = parseAddress(address, address);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await request(url, headers, watchdog);
    if (!REDIRECTS.has(response.status)) return { response, url: url.href };
    await response.body?.cancel();
    url = redirectTarget(url, response.headers.get('location'));
  }
  throw new AddressFault(
    'io',
    `${address}: expected at most ${MAX_REDIRECTS} redirects, got more; the address redirects in a loop`,
  );
}

async function request(
  url: URL,
  headers: Readonly<Record<string, string>>,
  watchdog: Watchdog,
): Promise<Response> {
  try {
    return await fetch(url, {
      // Without identity, a server may compress and Content-Length would count other bytes.
      headers: { 'accept-encoding': 'identity', ...headers },
      redirect: 'manual',
      signal: watchdog.signal,
    });
  } catch (cause) {
    throw networkFailure(url.href, cause, watchdog);
  }
}

/** Turns what fetch or a body stream throws into words. */
export function networkFailure(url: string, cause: unknown, watchdog: Watchdog): TransientFailure {
  const host = new URL(url).host;
  if (watchdog.signal.aborted) {
    return new TransientFailure(
      `${host}: no or hardly any data for a while, the connection stalls`,
      {
        cause,
      },
    );
  }
  const code = errorCode(cause);
  const words = code === undefined ? undefined : WORDS[code];
  const detail = words ?? `the connection broke${code === undefined ? '' : ` (${code})`}`;
  return new TransientFailure(`${host}: ${detail}`, { cause });
}

const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not known (ENOTFOUND); is there a network?',
  EAI_AGAIN: 'its name cannot be looked up (EAI_AGAIN); is there a network?',
  ENETUNREACH: 'no way to it (ENETUNREACH); is there a network?',
  ECONNREFUSED: 'nothing answers there (ECONNREFUSED)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

/** The first code along the chain of causes; fetch hides it one or two levels down. */
function errorCode(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    const { code, errors } = current as { code?: unknown; errors?: unknown[] };
    if (typeof code === 'string') return code;
    current = current.cause ?? errors?.[0];
  }
  return undefined;
}

function redirectTarget(from: URL, location: string | null): URL {
  if (location === null) {
    throw new AddressFault('io', `${from.href}: expected where to go, got a redirect without it`);
  }
  const absolute = URL.canParse(location, from.href) ? new URL(location, from).href : location;
  const target = parseAddress(absolute, `${from.href}: its redirect`);
  if (from.protocol === 'https:' && target.protocol === 'http:' && !isLoopback(target)) {
    throw new AddressFault(
      'io',
      `${from.href}: expected an https address, got a redirect to ${target.href}; refused, anyone on the way could change the file`,
    );
  }
  return target;
}

/** What can be asked for at all: 'http(s)://host...' without a user's name. */
export function addressProblem(address: string): string | undefined {
  if (!URL.canParse(address)) return `expected an address, got '${address.slice(0, 200)}'`;
  const { protocol, username, password } = new URL(address);
  if (protocol !== 'https:' && protocol !== 'http:')
    return `expected http or https, got ${protocol}`;
  const isNamed = username !== '' || password !== '';
  return isNamed ? 'expected an address without a name or password, got one with' : undefined;
}

function parseAddress(address: string, where: string): URL {
  const problem = addressProblem(address);
  if (problem !== undefined) throw new AddressFault('io', `${where}: ${problem}`);
  return new URL(address);
}

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
