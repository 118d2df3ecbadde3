/** Signals as they should be, and such that are not. */

import { describe, expect, it, vi } from 'vitest';
import { hasFired, onAbort, untilAborted } from '../../src/runtime/abort.ts';
import { LYING_SIGNALS } from '../support/lying-signals.ts';

const soon = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

describe('onAbort', () => {
  it('tells everybody once, at once who comes late, and nobody who left', () => {
    const { signal, abort } = controller();
    const told: string[] = [];
    for (const name of ['a', 'b']) onAbort(signal, 'call', () => told.push(name));
    const leave = onAbort(signal, 'call', () => told.push('left'));
    leave();
    leave();
    abort();
    abort();
    onAbort(signal, 'call', () => told.push('late'));
    expect(told).toEqual(['a', 'b', 'late']);
  });

  it('adds one listener for all who share a signal, and takes it away with the last of them', () => {
    const { signal, abort } = controller();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    const leave = Array.from({ length: 1000 }, () => onAbort(signal, 'call', () => undefined));
    expect(add).toHaveBeenCalledTimes(1);
    for (const one of leave) {
      expect(remove).not.toHaveBeenCalled();
      one();
    }
    expect(remove).toHaveBeenCalledTimes(1);
    const told = vi.fn();
    onAbort(signal, 'call', told);
    abort();
    expect(told).toHaveBeenCalledTimes(1);
  });

  it('hears nothing of no signal', () => {
    expect(() => onAbort(undefined, 'call', () => expect.fail())()).not.toThrow();
  });
});

describe('untilAborted', () => {
  it('starts nothing when the signal has fired', async () => {
    const start = vi.fn(async () => 1);
    const call = untilAborted(AbortSignal.abort('why'), 'call', start);
    await expect(call).rejects.toMatchObject({ code: 'aborted', cause: 'why' });
    expect(start).not.toHaveBeenCalled();
  });

  it('rejects with what is thrown at the start', async () => {
    const fault = new Error('no');
    const start = (): never => {
      throw fault;
    };
    await expect(untilAborted(controller().signal, 'call', start)).rejects.toBe(fault);
  });

  it.each(LYING_SIGNALS)('settles once with a signal $name', async ({ make, ends }) => {
    const call = untilAborted(make(), 'call', async () => {
      await soon(20);
      return 'well';
    });
    await expect(call.catch(({ code }) => code)).resolves.toBe(ends);
    await soon(5);
  });
});

it('hasFired says so with a coded error where the signal throws', () => {
  expect(hasFired(AbortSignal.abort(), 'call')).toBe(true);
  const [lie] = LYING_SIGNALS;
  expect(() => hasFired(lie?.make() as AbortSignal, 'call')).toThrow(
    'call: options.signal: failed (aborted)',
  );
});

function controller() {
  const made = new AbortController();
  return { signal: made.signal, abort: () => made.abort() };
}
