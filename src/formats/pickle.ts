/**
 * Receives the bytes of a Python pickle (protocols 2 to 5), returns the value as plain data. Nothing
 * is ever imported or called: the few callables that byte strings and numpy arrays of numbers need
 * are re-enacted in pickle-callables.ts, every other name is refused by name. Refuses text opcodes of
 * protocols 0 and 1, out-of-band buffers, persistent ids, classes. Byte strings are views of `bytes`.
 *
 * Source: the opcode descriptions in CPython's Lib/pickletools.py.
 */

import { ArcfaceError } from '../errors.ts';
import { readUnsigned, takeBytes, takeLine, takeText } from './pickle-bytes.ts';
import { applyState, callableNamed, reduce } from './pickle-callables.ts';
import {
  appendTo,
  damaged,
  type Machine,
  openMark,
  pop,
  popMark,
  popTuple,
  push,
  recall,
  remember,
  setItems,
  startMachine,
  top,
} from './pickle-machine.ts';
import { OPCODE_NAMES } from './pickle-opcodes.ts';
import { PickleTuple, type PickleValue } from './pickle-values.ts';

type Step = (machine: Machine) => void;

/** Reads the one value that the pickle in `bytes` describes. Throws ArcfaceError 'bad_dataset'. */
export function readPickle(bytes: Uint8Array, where = 'pickle'): PickleValue {
  const machine = startMachine(bytes, where);
  readProtocol(machine);
  for (;;) {
    const at = machine.offset;
    const opcode = readUnsigned(machine, 1);
    if (opcode === 0x2e) return finish(machine);
    const step = STEPS[opcode];
    if (step === undefined) throw refusedOpcode(machine, opcode, at);
    step(machine);
  }
}

function readProtocol(machine: Machine): void {
  if (machine.bytes.length === 0) {
    throw new ArcfaceError('bad_dataset', `${machine.where}: expected a pickle, got 0 bytes`);
  }
  if (readUnsigned(machine, 1) !== 0x80) {
    throw new ArcfaceError(
      'bad_dataset',
      `${machine.where}: expected a pickle of protocol 2 to 5 (first byte 0x80), got ${whatItLooksLike(machine.bytes)}`,
    );
  }
  const protocol = readUnsigned(machine, 1);
  if (protocol < 2 || protocol > 5) {
    throw new ArcfaceError(
      'bad_dataset',
      `${machine.where}: expected pickle protocol 2 to 5, got ${protocol}; write it again with protocol=4`,
    );
  }
}

function whatItLooksLike(bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, 64)).trimStart();
  if (start.startsWith('<')) return 'HTML or XML; was an error page saved instead of the file?';
  if (start.startsWith('version https://git-lfs')) {
    return 'a Git LFS pointer; download the file it points to';
  }
  return `first byte 0x${(bytes[0] ?? 0).toString(16).padStart(2, '0')}`;
}

function finish(machine: Machine): PickleValue {
  if (machine.marks.length !== 0 || machine.stack.length !== 1) {
    throw new ArcfaceError(
      'bad_dataset',
      `${machine.where}: expected one value at STOP, got ${machine.stack.length} and ${machine.marks.length} open MARKs`,
    );
  }
  return pop(machine);
}

function refusedOpcode(machine: Machine, opcode: number, at: number): ArcfaceError {
  const name = OPCODE_NAMES[opcode] ?? `0x${opcode.toString(16).padStart(2, '0')}`;
  return new ArcfaceError(
    'bad_dataset',
    `${machine.where}, offset ${at}: expected plain data (lists, tuples, booleans, byte strings, numpy uint8 arrays), got opcode ${name}; it is refused, nothing was executed`,
  );
}

function readLong(machine: Machine, length: number): number {
  if (length > 8) throw damaged(machine, 'an integer of at most 8 bytes', `${length} bytes`);
  const raw = takeBytes(machine, length);
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(raw[i] ?? 0);
  const signed = Number(BigInt.asIntN(length * 8, value));
  if (!Number.isSafeInteger(signed))
    throw damaged(machine, 'an integer below 2^53', 'a larger one');
  return signed;
}

function readFloat(machine: Machine): number {
  const raw = takeBytes(machine, 8);
  return new DataView(raw.buffer, raw.byteOffset, 8).getFloat64(0, false);
}

function stackGlobal(machine: Machine): void {
  const name = pop(machine);
  const module = pop(machine);
  if (typeof name !== 'string' || typeof module !== 'string') {
    throw damaged(machine, 'module and name as text', 'something else');
  }
  push(machine, callableNamed(machine, module, name));
}

function reduceTop(machine: Machine): void {
  const args = pop(machine);
  const callable = pop(machine);
  if (!(args instanceof PickleTuple)) throw damaged(machine, 'a tuple of arguments', 'no tuple');
  push(machine, reduce(machine, callable, args.items));
}

function buildTop(machine: Machine): void {
  const state = pop(machine);
  applyState(machine, top(machine), state);
}

/** A frame only announces bytes that follow; its length must fit what is left. */
function skipFrame(machine: Machine): void {
  const length = readUnsigned(machine, 8);
  const left = machine.bytes.length - machine.offset;
  if (length > left) throw damaged(machine, `a frame of at most ${left} bytes`, `${length}`);
}

const bytesOf = (size: number): Step => {
  return (m) => push(m, takeBytes(m, readUnsigned(m, size)));
};
const textOf = (size: number): Step => {
  return (m) => push(m, takeText(m, readUnsigned(m, size)));
};

// biome-ignore format: a table, one row per opcode
const STEPS: Readonly<Record<number, Step>> = {
  40: openMark,                                                   // MARK
  149: skipFrame,                                                  // FRAME
  78: (m) => push(m, null),                                       // NONE
  136: (m) => push(m, true),                                       // NEWTRUE
  137: (m) => push(m, false),                                      // NEWFALSE
  75: (m) => push(m, readUnsigned(m, 1)),                         // BININT1
  77: (m) => push(m, readUnsigned(m, 2)),                         // BININT2
  74: (m) => push(m, readUnsigned(m, 4) | 0),                     // BININT
  138: (m) => push(m, readLong(m, readUnsigned(m, 1))),            // LONG1
  139: (m) => push(m, readLong(m, readUnsigned(m, 4))),            // LONG4
  71: (m) => push(m, readFloat(m)),                               // BINFLOAT
  85: bytesOf(1),                                                 // SHORT_BINSTRING (Python 2 str)
  84: bytesOf(4),                                                 // BINSTRING (Python 2 str)
  67: bytesOf(1),                                                 // SHORT_BINBYTES
  66: bytesOf(4),                                                 // BINBYTES
  142: bytesOf(8),                                                 // BINBYTES8
  150: bytesOf(8),                                                 // BYTEARRAY8
  140: textOf(1),                                                  // SHORT_BINUNICODE
  88: textOf(4),                                                  // BINUNICODE
  141: textOf(8),                                                  // BINUNICODE8
  93: (m) => push(m, []),                                         // EMPTY_LIST
  108: (m) => push(m, popMark(m)),                                 // LIST
  97: (m) => { const item = pop(m); appendTo(m, [item]); },       // APPEND
  101: (m) => { const items = popMark(m); appendTo(m, items); },   // APPENDS
  41: (m) => push(m, new PickleTuple([])),                        // EMPTY_TUPLE
  133: (m) => push(m, popTuple(m, 1)),                             // TUPLE1
  134: (m) => push(m, popTuple(m, 2)),                             // TUPLE2
  135: (m) => push(m, popTuple(m, 3)),                             // TUPLE3
  116: (m) => push(m, new PickleTuple(popMark(m))),                // TUPLE
  125: (m) => push(m, new Map()),                                  // EMPTY_DICT
  115: (m) => { const pair = popTuple(m, 2); setItems(m, pair.items); }, // SETITEM
  117: (m) => { const items = popMark(m); setItems(m, items); },   // SETITEMS
  113: (m) => remember(m, readUnsigned(m, 1)),                     // BINPUT
  114: (m) => remember(m, readUnsigned(m, 4)),                     // LONG_BINPUT
  148: (m) => remember(m, m.memo.size),                            // MEMOIZE
  104: (m) => recall(m, readUnsigned(m, 1)),                       // BINGET
  106: (m) => recall(m, readUnsigned(m, 4)),                       // LONG_BINGET
  99: (m) => push(m, callableNamed(m, takeLine(m), takeLine(m))), // GLOBAL
  147: stackGlobal,                                                // STACK_GLOBAL
  82: reduceTop,                                                  // REDUCE
  98: buildTop,                                                   // BUILD
};
