/**
 * All of the public API but `loadModel`, which each entry (src/entries/) binds to its runtime. Nothing here names one.
 */

export type { LoadModel } from './engine/load.ts';
export type { LayerTime, Model, ModelInfo } from './engine/model.ts';
export type { EmbedOptions, LoadOptions, LoadProgress } from './engine/options.ts';
export { ArcfaceError, type ErrorCode } from './errors.ts';
export { alignFace, type Crop, type Picture } from './image/align.ts';
export type { ChannelOrder, Face, PixelChannels } from './image/face.ts';
export type { Landmarks } from './image/landmarks.ts';
export type { ModelSource } from './runtime/source.ts';
export { cosineSimilarity, l2Normalize } from './similarity.ts';
