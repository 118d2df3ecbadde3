/**
 * Worker: a photograph's path in, its faces out: boxes and 68 landmarks, from @vladmandic/face-api's
 * own models on tfjs' plain JavaScript back end, which needs no native code. Slow (seconds per
 * photograph), hence one worker per core.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { decodePicture } from '../../dist/image/decode.js';

const require = createRequire(import.meta.url);
const models = new URL(
  '../model/',
  `file://${require.resolve('@vladmandic/face-api/dist/face-api.esm.js')}`,
);

/** Its tfjs bundle reaches for node's `util` unless it believes that it runs in a browser. */
async function loadFaceApi() {
  globalThis.window = { document: {} };
  try {
    return await import('@vladmandic/face-api/dist/face-api.esm.js');
  } finally {
    delete globalThis.window;
  }
}

function loadWeights(faceapi, net, name) {
  const manifest = JSON.parse(
    readFileSync(new URL(`${name}-weights_manifest.json`, models), 'utf8'),
  );
  const bytes = new Uint8Array(readFileSync(new URL(manifest[0].paths[0], models)));
  net.loadFromWeightMap(
    faceapi.tf.io.decodeWeights(
      bytes.buffer,
      manifest.flatMap((group) => group.weights),
    ),
  );
}

const faceapi = await loadFaceApi();
// tfjs recommends its native back end on the console when it starts.
const { warn } = console;
console.warn = () => {};
await faceapi.tf.setBackend('cpu');
await faceapi.tf.ready();
loadWeights(faceapi, faceapi.nets.ssdMobilenetv1, 'ssd_mobilenetv1_model');
loadWeights(faceapi, faceapi.nets.faceLandmark68Net, 'face_landmark_68_model');

async function findFaces(path) {
  const picture = await decodePicture(readFileSync(path), path);
  const { width, height, data } = picture;
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) rgb.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  const tensor = faceapi.tf.tensor3d(rgb, [height, width, 3], 'int32');
  const options = new faceapi.SsdMobilenetv1Options({ minConfidence: 0.5, maxResults: 20 });
  const found = await faceapi.detectAllFaces(tensor, options).withFaceLandmarks();
  tensor.dispose();
  console.warn = warn;
  return found.map(({ detection, landmarks }) => ({
    score: detection.score,
    box: {
      x: detection.box.x,
      y: detection.box.y,
      width: detection.box.width,
      height: detection.box.height,
    },
    landmarks: landmarks.positions.map(({ x, y }) => ({ x, y })),
  }));
}

parentPort.on('message', async (path) => {
  try {
    parentPort.postMessage({ faces: await findFaces(path) });
  } catch (error) {
    parentPort.postMessage({ error: String(error?.stack ?? error) });
  }
});
