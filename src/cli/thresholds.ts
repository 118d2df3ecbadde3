/**
 * Published cosine thresholds for "same person", as data. Each is `cos >= value`; distances are
 * converted: cos = 1 - cosine distance = 1 - L2^2 / 2 for unit vectors. None was measured for the
 * R100 of the Open Model Zoo at a stated false accept rate, and none carries over to another
 * checkpoint, aligner or population.
 */

export interface Threshold {
  readonly cosine: number;
  readonly source: string;
  /** The network it was published for. */
  readonly model: string;
  /** The number as published and what is known of how it was found. */
  readonly stated: string;
}

/** Published for this very network. */
export const OPEN_MODEL_ZOO: Threshold = {
  cosine: 0.4,
  source: 'Open Model Zoo, face recognition demo',
  model: 'arcfaceresnet100-8',
  stated: 'distance 0.3 of (1 - cos) / 2',
};

/** In ascending order. */
export const THRESHOLDS: readonly Threshold[] = [
  {
    cosine: 0.28,
    source: 'ronny3050/AdvFaces, issue 7',
    model: 'ArcFace',
    stated: '0.28, false accept rate 0.1 % on the LFW pairs',
  },
  {
    cosine: 0.32,
    source: 'DeepFace, threshold.py',
    model: 'its own ArcFace port (R34)',
    stated: 'cosine distance 0.68',
  },
  {
    cosine: 0.33,
    source: 'deepinsight/insightface, issue 2239',
    model: 'an R100, private pairs',
    stated: 'squared distance 1.348 at best accuracy',
  },
  OPEN_MODEL_ZOO,
  {
    cosine: 0.4078,
    source: 'InsightFace Server 0.2.0, README',
    model: 'buffalo_l (R50, WebFace600K)',
    stated: '0.4078, false accept rate 1e-6 on MR-ALL, 91.25 % accepted',
  },
  {
    cosine: 0.5,
    source: 'Immich, config.ts',
    model: 'buffalo_l',
    stated: 'distance 0.5, album clustering',
  },
];
