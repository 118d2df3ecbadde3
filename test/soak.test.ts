/** The short form of `npm run soak`, and that its figures tell a leak. */

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

interface Row {
  readonly kind: string;
  readonly threads: number;
  readonly count: number;
  readonly back: boolean;
}

function soak(...options: string[]): { rows: Row[]; status: number | null } {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['scripts/soak.mjs', '--json', ...options],
    { encoding: 'utf8', env: { ...process.env, SKIP_BUILD: '1' } },
  );
  if (stdout === '') throw new Error(stderr);
  return { rows: JSON.parse(stdout) as Row[], status };
}

describe('memory', () => {
  it('is back after embeddings, and after models that were disposed, with 1 and 3 threads', () => {
    const { rows, status } = soak('--embeddings', '800', '--cycles', '12');
    const said = rows.map(({ kind, threads, back }) => `${kind} ${threads} ${back}`);
    expect(said, JSON.stringify(rows)).toEqual([
      'embeddings 1 true',
      'cycles 1 true',
      'embeddings 3 true',
      'cycles 3 true',
    ]);
    expect(status).toBe(0);
  });

  it('is not back where models are kept, and the figures say so', () => {
    const { rows, status } = soak(
      '--embeddings',
      '0',
      '--cycles',
      '12',
      '--threads',
      '1',
      '--leak',
    );
    expect(rows).toMatchObject([{ kind: 'cycles', back: false }]);
    expect(status).toBe(1);
  });
});
