/**
 * Loaded in front of a program (`node --import`): writes every attempt to reach a network to the file named by
 * NETWORK_LOG, one line each, and lets it go on. All of Node's clients, `fetch` among them, end in these calls.
 */

import dgram from 'node:dgram';
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import net from 'node:net';

function observe(host, name, label) {
  const original = host[name];
  host[name] = function (...args) {
    appendFileSync(process.env.NETWORK_LOG, `${label}\n`);
    return Reflect.apply(original, this, args);
  };
}

observe(net.Socket.prototype, 'connect', 'connect');
observe(net.Server.prototype, 'listen', 'listen');
observe(dgram.Socket.prototype, 'bind', 'dgram bind');
observe(dgram.Socket.prototype, 'send', 'dgram send');
observe(dgram.Socket.prototype, 'connect', 'dgram connect');
for (const [host, label] of [
  [dns, 'dns'],
  [dns.promises, 'dns'],
  [dns.Resolver.prototype, 'dns'],
  [dns.promises.Resolver.prototype, 'dns'],
]) {
  for (const name of Object.getOwnPropertyNames(host)) {
    if (/^(lookup|resolve|reverse)/.test(name)) observe(host, name, `${label} ${name}`);
  }
}
if (typeof fetch === 'function') observe(globalThis, 'fetch', 'fetch');
