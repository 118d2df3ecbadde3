/** One line of progress on stderr while it is a terminal; nothing when it is piped. */

export interface Progress {
  /** `total` may be unknown. Redraws at most ten times a second. */
  update(done: number, total: number | undefined, unit?: 'bytes' | 'items'): void;
  /** Clears the line. */
  end(): void;
}

const INTERVAL_MS = 100;
const MEGABYTE = 1e6;

export function startProgress(
  label: string,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  if (!stream.isTTY) return { update() {}, end() {} };
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    update(done, total, unit = 'bytes') {
      const now = performance.now();
      if (now - drawnAt < INTERVAL_MS && done !== total) return;
      drawnAt = now;
      const text = `${label} ${amount(done, total, unit)}`.slice(0, (stream.columns || 80) - 1);
      stream.write(`\r\x1b[2K${text}`);
    },
    end() {
      stream.write('\r\x1b[2K');
    },
  };
}

function amount(done: number, total: number | undefined, unit: 'bytes' | 'items'): string {
  const show = (n: number): string => (unit === 'bytes' ? (n / MEGABYTE).toFixed(1) : String(n));
  const suffix = unit === 'bytes' ? ' MB' : '';
  if (!total) return `${show(done)}${suffix}`;
  return `${show(done)} of ${show(total)}${suffix} (${Math.floor((100 * done) / total)} %)`;
}
