/** What is given for an AbortSignal and behaves like none. Each is made anew. */

type Listener = () => void;

interface Lie {
  readonly name: string;
  /** How a call with it ends. */
  readonly ends: 'bad_argument' | 'aborted' | 'well';
  make(): AbortSignal;
}

function throwing(what: string): () => never {
  return () => {
    throw new Error(what);
  };
}

function getter(name: string, get: () => unknown): object {
  return Object.defineProperty(honest(), name, { get });
}

function honest(): { [key: string]: unknown } {
  const add = (): void => undefined;
  return { aborted: false, reason: undefined, addEventListener: add, removeEventListener: add };
}

/** Fires `times` times, `after` ms later, and keeps on having listeners. */
function firing(times: number, after: number): object {
  const addEventListener = (_: string, listener: Listener): void => {
    for (let time = 0; time < times; time++) setTimeout(listener, after);
  };
  return { ...honest(), addEventListener };
}

/** Fires whenever a listener is taken away, also again after that. */
function firingLate(): object {
  const removeEventListener = (_: string, listener: Listener): void => {
    listener();
    setTimeout(listener);
  };
  return { ...honest(), removeEventListener };
}

const LIES: readonly (readonly [string, Lie['ends'], () => object])[] = [
  ['whose `aborted` throws', 'bad_argument', () => getter('aborted', throwing('aborted'))],
  [
    'whose addEventListener throws',
    'bad_argument',
    () => ({ ...honest(), addEventListener: throwing('add') }),
  ],
  [
    'whose addEventListener cannot be read',
    'bad_argument',
    () => getter('addEventListener', throwing('get')),
  ],
  ['that is a proxy which throws', 'bad_argument', () => new Proxy({}, { get: throwing('trap') })],
  [
    'that fired, and whose reason throws',
    'aborted',
    () => {
      return Object.defineProperty({ ...honest(), aborted: true }, 'reason', {
        get: throwing('reason'),
      });
    },
  ],
  [
    'that fires while it is listened to',
    'aborted',
    () => ({
      ...honest(),
      addEventListener: (_: string, listener: Listener) => listener(),
    }),
  ],
  ['that fires twice', 'aborted', () => firing(2, 0)],
  ['that never fires', 'well', honest],
  [
    'that answers with a promise that rejects',
    'well',
    () => ({
      ...honest(),
      addEventListener: () => Promise.reject(new Error('add')),
      removeEventListener: () => Promise.reject(new Error('remove')),
    }),
  ],
  [
    'whose removeEventListener throws',
    'well',
    () => ({ ...honest(), removeEventListener: throwing('remove') }),
  ],
  ['without removeEventListener', 'well', () => ({ ...honest(), removeEventListener: undefined })],
  ['that fires when nobody listens any more', 'well', firingLate],
];

export const LYING_SIGNALS: readonly Lie[] = LIES.map(([name, ends, make]) => ({
  name,
  ends,
  make: () => make() as AbortSignal,
}));
