/** The fuzzer itself: readers with one fault each are found out, cases repeat, damage keeps structure. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ArcfaceError } from '../../src/errors.ts';
import { parseFuzzArgs, UsageError } from './args.ts';
import { runCases } from './campaign.ts';
import { replay, writeFinding } from './findings.ts';
import { startMeter, stopMeter } from './meter.ts';
import { mutateBytes } from './mutate/bytes.ts';
import { LIMIT_MS, probe, SPARE_BYTES } from './probe.ts';
import type { Reader } from './reader.ts';
import { allReaders } from './readers/all.ts';
import { filesOf, readerSubject } from './subject.ts';

const SEED = 7;
const SAMPLE = Uint8Array.from({ length: 400 }, (_, i) => i % 251);

function reader(read: (file: Uint8Array) => unknown): Reader {
  return {
    name: 'planted',
    files: ['planted.bin'],
    samples: [[SAMPLE]],
    mutators: [[mutateBytes]],
    codes: ['bad_model'],
    read: ([file]) => read(file as Uint8Array),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'arcface-harness-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a probe', () => {
  const faultOf = async (read: (file: Uint8Array) => unknown) =>
    (await probe(reader(read), [SAMPLE])).fault;

  it('passes results and coded errors, of calls that answer later too', async () => {
    const refuse = (): never => {
      throw new ArcfaceError('bad_model', 'planted');
    };
    expect(await faultOf(() => 1)).toBeUndefined();
    expect(await faultOf(refuse)).toBeUndefined();
    expect(await faultOf(async () => refuse())).toBeUndefined();
  });

  it('finds other exceptions, and codes of other readers', async () => {
    expect(await faultOf(() => (undefined as unknown as string).length)).toBe('exception');
    expect(await faultOf(() => Promise.reject(new RangeError('planted')))).toBe('exception');
    const foreign = new ArcfaceError('io', 'planted');
    expect(await faultOf(() => Promise.reject(foreign))).toBe('foreign code');
  });

  it.each<[string, (bytes: number) => unknown]>([
    ['a typed array', (bytes) => new Float64Array(bytes / 8)],
    ['a typed array of a list', (bytes) => Uint8Array.from({ length: bytes }, () => 0)],
    ['a buffer', (bytes) => new ArrayBuffer(bytes)],
    ['a list', (bytes) => new Array(bytes / 8)],
    ['a list of a length', (bytes) => Array.from({ length: bytes / 8 })],
    ['a buffer of Node', (bytes) => Buffer.alloc(bytes)],
    ['a text', (bytes) => 'x'.repeat(bytes)],
    ['a memory', (bytes) => new WebAssembly.Memory({ initial: bytes / 65_536 })],
  ])(
    'finds %s above four times the file, also where the refusal is swallowed',
    async (_, allocate) => {
      const few = 2 ** 18;
      const many = SPARE_BYTES * 4;
      expect(await faultOf(() => allocate(few))).toBeUndefined();
      expect(await faultOf(() => allocate(many))).toBe('allocation');
      const swallowing = () => {
        try {
          return allocate(many);
        } catch {
          return undefined;
        }
      };
      expect(await faultOf(swallowing)).toBe('allocation');
    },
  );

  it('finds many small allocations that stay', async () => {
    const kept: Uint8Array[] = [];
    const hoard = () => {
      for (let i = 0; i < 100; i++) kept.push(new Uint8Array(SPARE_BYTES));
    };
    expect(await faultOf(hoard)).toBe('growth');
  });

  it('finds what takes too long', async () => {
    const spin = () => {
      const start = process.cpuUsage();
      const ms = () => process.cpuUsage(start).user / 1000;
      while (ms() < LIMIT_MS + 50);
    };
    expect(await faultOf(spin)).toBe('time');
  });

  it('leaves constructors and methods as they were', () => {
    const before = [Uint8Array, Array, ArrayBuffer, WebAssembly.Memory, Buffer.alloc, ''.repeat];
    startMeter(1000);
    expect(Uint8Array).not.toBe(before[0]);
    stopMeter();
    const after = [Uint8Array, Array, ArrayBuffer, WebAssembly.Memory, Buffer.alloc, ''.repeat];
    expect(after.map((one, i) => one === before[i])).not.toContain(false);
  });
});

describe('a campaign', () => {
  const planted = reader((file) => {
    if (file.includes(255)) throw new TypeError('a byte of 255');
  });

  it('names the case, and the case is the same bytes wherever it runs', async () => {
    const { findings, repeated } = await runCases(readerSubject(planted), {
      seed: SEED,
      from: 0,
      count: 300,
    });
    expect(findings).toHaveLength(1);
    expect(repeated).toBeGreaterThan(0);
    const { index } = findings[0] as (typeof findings)[0];
    expect((filesOf(planted, SEED, index)[0] as Uint8Array).includes(255)).toBe(true);
  });

  it('makes a finding small, writes it, and shows it again from there', async () => {
    const { findings } = await runCases(readerSubject(planted), {
      seed: SEED,
      from: 0,
      count: 300,
    });
    const finding = findings[0] as (typeof findings)[0];
    expect(finding.files?.['planted.bin']).toEqual(Uint8Array.of(255));
    const path = writeFinding(folder, finding).replace('npm run fuzz -- --replay ', '');
    expect(await replay(path, [planted])).toMatchObject({ fault: 'exception' });
  });
});

describe('damage', () => {
  it.each(allReaders())(
    'of $name is told by its number, and gets past the first check',
    async (one) => {
      const outcomes = new Set<string>();
      const isEnough = () => outcomes.has('valid') && outcomes.size > 1;
      for (let index = 0; index < 20 || (index < 300 && !isEnough()); index++) {
        const [a, b] = [filesOf(one, SEED, index), filesOf(one, SEED, index)];
        expect(a.every((file, i) => Buffer.compare(file, b[i] as Uint8Array) === 0)).toBe(true);
        outcomes.add((await probe(one, a)).outcome);
      }
      expect(outcomes).toContain('valid');
      if (one.codes.length > 0) expect(outcomes.size).toBeGreaterThan(1);
    },
  );
});

describe('the arguments of npm run fuzz', () => {
  it('are seconds and options, a new seed each time', () => {
    expect(parseFuzzArgs(['30', '--only', 'onnx,readers', '--workers', '2'])).toMatchObject({
      seconds: 30,
      only: ['onnx', 'readers'],
      workers: 2,
      inputs: Number.POSITIVE_INFINITY,
    });
    expect(parseFuzzArgs(['--inputs', '1000', '--seed', '0'])).toMatchObject({
      seconds: Number.POSITIVE_INFINITY,
      inputs: 1000,
      seed: 0,
    });
  });

  it.each([[['1', '2']], [['0']], [['1.5']], [['--seed', '-1']], [['--what']]])(
    '%j are refused',
    (argv) => {
      expect(() => parseFuzzArgs(argv)).toThrow(UsageError);
    },
  );
});
