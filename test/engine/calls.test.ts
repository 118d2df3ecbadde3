/** The calls of one model: in order, each settled once, none started that is over. */

import { describe, expect, it } from 'vitest';
import { Calls, type GoOn } from '../../src/engine/calls.ts';

const soon = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

/** Work that says when it starts and ends, and takes `ms`. */
function recorder() {
  const events: string[] = [];
  const work =
    (name: string, ms = 0) =>
    async (): Promise<string> => {
      events.push(`${name} starts`);
      await soon(ms);
      events.push(`${name} ends`);
      return name;
    };
  return { events, work };
}

describe('Calls', () => {
  it('run one after the other, in order, also those that are made meanwhile', async () => {
    const calls = new Calls();
    const { events, work } = recorder();
    const a = calls.add('call', undefined, work('a', 5));
    const b = calls.add('call', undefined, work('b'));
    const c = a.then(() => calls.add('call', undefined, work('c')));
    expect(await Promise.all([a, b, c])).toEqual(['a', 'b', 'c']);
    const order = ['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends'];
    expect(events).toEqual(order);
    expect(await calls.add('call', undefined, work('d'))).toBe('d');
  });

  it('go on after one that fails', async () => {
    const calls = new Calls();
    const fault = new Error('no');
    const bad = calls.add('call', undefined, async () => {
      throw fault;
    });
    const good = calls.add('call', undefined, async () => 1);
    await expect(bad).rejects.toBe(fault);
    expect(await good).toBe(1);
  });

  it('leave at once when their signal fires, and never start then', async () => {
    const calls = new Calls();
    const { events, work } = recorder();
    const controller = new AbortController();
    const running = calls.add('call', undefined, work('running', 20));
    const waiting = calls.add('call', controller.signal, work('waiting'));
    controller.abort('why');
    await expect(waiting).rejects.toMatchObject({ code: 'aborted', cause: 'why' });
    expect(events).toEqual(['running starts']);
    expect(await running).toBe('running');
    await soon();
    expect(events).toEqual(['running starts', 'running ends']);
  });

  it('settle at once when they are closed, one that never ends too', async () => {
    const calls = new Calls();
    const endless = calls.add('call', undefined, () => new Promise(() => undefined));
    const waiting = calls.add('call', new AbortController().signal, async () => 1);
    const closed = new Error('closed');
    calls.close(closed);
    await expect(endless).rejects.toBe(closed);
    await expect(waiting).rejects.toBe(closed);
  });

  it('learn between two parts of their work that nobody waits any more', async () => {
    const calls = new Calls();
    const done: number[] = [];
    const inParts = async (goOn: GoOn): Promise<void> => {
      for (let part = 0; part < 3; part++) {
        goOn();
        done.push(part);
        await soon(5);
      }
    };
    const controller = new AbortController();
    const call = calls.add('call', controller.signal, inParts);
    await soon(1);
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
    expect(await calls.add('call', undefined, async () => 'next')).toBe('next');
    expect(done).toEqual([0]);
  });

  it('take the word of a signal that fires without telling', async () => {
    const calls = new Calls();
    const signal = { aborted: false, addEventListener: () => undefined };
    const call = calls.add('call', signal as unknown as AbortSignal, async (goOn) => {
      signal.aborted = true;
      goOn();
    });
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
  });
});
