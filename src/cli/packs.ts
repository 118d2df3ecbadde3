/** The files of the packs that InsightFace and its like publish: which of them recognise faces. */

/** Detectors, landmarks, attributes, liveness, swappers, quality: by how they are called. */
const OTHERS = [
  /^(det_|scrfd|yunet|face_detection|retinaface|blaze|mtcnn|[pro]net\b|yolo|ultra)/i,
  /^(1k3d68|2d106det|genderage|inswapper|parsing|bisenet|modnet)/i,
  /antispoof|liveness|quality|landmark|detect/i,
];

/** Of the models in one folder, those that may recognise faces. */
export function recognitionNetworks(names: readonly string[]): string[] {
  return names.filter((name) => !OTHERS.some((other) => other.test(name)));
}
