/**
 * Two detectors of five landmarks, run by onnxruntime-web: SCRFD (InsightFace) and YuNet (OpenCV). Receives
 * a picture of 112x112, which it puts into the middle of 160x160 black ones; returns the points of the face
 * it is surest of, in pixels of the picture. Both write the viewer's left first: YuNet calls it the person's
 * right.
 */

import * as ort from 'onnxruntime-web';

export interface Found {
  readonly points: Float64Array;
  readonly score: number;
}

type Kind = 'SCRFD' | 'YuNet';

const SIDE = 160;
const STRIDES = [8, 16, 32];
const LEAST_SCORE = 0.3;

export class FiveDetector {
  private constructor(
    private readonly kind: Kind,
    private readonly session: ort.InferenceSession,
  ) {}

  static async open(kind: Kind, model: Uint8Array): Promise<FiveDetector> {
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    return new FiveDetector(
      kind,
      await ort.InferenceSession.create(model, { logSeverityLevel: 3 }),
    );
  }

  async find(picture: {
    data: Uint8ClampedArray;
    width: number;
    height: number;
  }): Promise<Found | null> {
    const input = new ort.Tensor('float32', this.toInput(picture), [1, 3, SIDE, SIDE]);
    const outputs = await this.session.run({ [this.session.inputNames[0] as string]: input });
    const faces = STRIDES.flatMap((stride) => this.read(outputs, stride));
    const best = faces.sort((a, b) => b.score - a.score)[0];
    if (!best || best.score < LEAST_SCORE) return null;
    return { ...best, points: best.points.map((v) => v - (SIDE - picture.width) / 2) };
  }

  /** SCRFD: RGB, (x - 127.5) / 128. YuNet: BGR as it is. */
  private toInput({
    data,
    width,
    height,
  }: {
    data: Uint8ClampedArray;
    width: number;
    height: number;
  }) {
    const isScrfd = this.kind === 'SCRFD';
    const planes = new Float32Array(3 * SIDE * SIDE).fill(isScrfd ? -127.5 / 128 : 0);
    const margin = (SIDE - width) / 2;
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const value = data[4 * (y * width + x) + (isScrfd ? c : 2 - c)] as number;
          planes[(c * SIDE + y + margin) * SIDE + x + margin] = isScrfd
            ? (value - 127.5) / 128
            : value;
        }
      }
    }
    return planes;
  }

  private read(outputs: ort.InferenceSession.ReturnType, stride: number): Found[] {
    const across = SIDE / stride;
    const data = (name: string): Float32Array => outputs[name]?.data as Float32Array;
    if (this.kind === 'YuNet') {
      const [cls, obj, kps] = ['cls', 'obj', 'kps'].map((name) => data(`${name}_${stride}`));
      return Array.from(cls as Float32Array, (value, i) => ({
        score: Math.sqrt(value * ((obj as Float32Array)[i] as number)),
        points: pointsAt(kps as Float32Array, i, i, across, stride),
      }));
    }
    // Two anchors a place; outputs come as scores, boxes and points, each for all strides.
    const names = this.session.outputNames;
    const k = STRIDES.indexOf(stride);
    const scores = data(names[k] as string);
    const kps = data(names[k + 6] as string);
    return Array.from(scores, (score, i) => ({
      score,
      points: pointsAt(kps, i, i >> 1, across, stride),
    }));
  }
}

function pointsAt(
  kps: Float32Array,
  row: number,
  place: number,
  across: number,
  stride: number,
): Float64Array {
  const [x, y] = [place % across, Math.floor(place / across)];
  return Float64Array.from({ length: 10 }, (_, j) => {
    return ((kps[10 * row + j] as number) + (j % 2 === 0 ? x : y)) * stride;
  });
}
