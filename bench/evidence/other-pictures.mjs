/**
 * Pictures that are no faces, for networks whose batch norms saw something else. RGBA, 112x112, from a seed.
 */
import { streamOf } from '../../dist/synth/random.js';

const SIDE = 112;

const picture = (value) =>
  Float64Array.from({ length: 4 * SIDE * SIDE }, (_, at) => {
    const p = at >> 2;
    return Math.min(255, Math.max(0, value(at & 3, Math.floor(p / SIDE), p % SIDE)));
  });

/** A sum of six waves; `colours`: of its own strength in every channel. */
function smooth(stream, colours) {
  const waves = Array.from({ length: 6 }, () => ({
    y: 0.2 * stream.uniform(),
    x: 0.2 * stream.uniform(),
    phase: 6 * stream.uniform(),
    height: 30 * stream.normal(),
    of: Array.from({ length: 4 }, () => (colours ? stream.uniform() : 1)),
  }));
  const at = (c, y, x) =>
    waves.reduce((sum, w) => sum + w.height * w.of[c] * Math.sin(w.y * y + w.x * x + w.phase), 128);
  return picture(at);
}

const KINDS = {
  noise: (stream) => picture(() => 256 * stream.uniform()),
  'normal noise': (stream) => picture(() => 127 + 50 * stream.normal()),
  'faint noise': (stream) => picture(() => 127 + 10 * stream.normal()),
  'one grey': (stream) => {
    const grey = 255 * stream.uniform();
    return picture(() => grey);
  },
  'one colour': (stream) => {
    const colour = Array.from({ length: 4 }, () => 255 * stream.uniform());
    return picture((c) => colour[c]);
  },
  gradient: (stream) => {
    const [a, b] = [2 * stream.uniform(), 2 * stream.uniform()];
    return picture((c, y, x) => [a * x, b * y, (x + y) / 2, 255][c]);
  },
  squares: (stream) => {
    const size = 1 + Math.floor(16 * stream.uniform());
    return picture((_, y, x) => ((Math.floor(y / size) + Math.floor(x / size)) % 2) * 255);
  },
  'grey waves': (stream) => smooth(stream, false),
  'waves of colours': (stream) => smooth(stream, true),
};

/** @returns {[kind: string, pictures: Float64Array[]][]} */
export function otherPictures(seed, count) {
  return Object.entries(KINDS).map(([kind, make]) => [
    kind,
    Array.from({ length: count }, (_, i) => make(streamOf(seed, `${kind} ${i}`))),
  ]);
}
