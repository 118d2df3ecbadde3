/**
 * Data sets that differ from the shipped statistics, as training sets do: exposure, contrast, white balance,
 * sharpness and noise of their own. How often is the better fitting of two forms the true one, by how much it
 * leads?
 */
import { hasSameValues, isSameForm } from '../../dist/convert/evidence/candidates.js';
import { LFW_FACES } from '../../dist/convert/evidence/lfw-faces.js';
import { leadOver, weighEvidence } from '../../dist/convert/evidence/weigh.js';
import { streamOf } from '../../dist/synth/random.js';
import { calibrated } from './calibrate.mjs';
import { seededStem } from './networks.mjs';

const SIDE = 112;

/** Standard deviations of what data sets differ by; brightness in 0..255. */
const SHIFT = { contrast: 0.12, exposure: 0.12, brightness: 12, balance: 0.06, noise: 6 };
const BLURRED = 0.3;

/** A data set: the same change to every crop. */
function changeOf(seed) {
  const stream = streamOf(seed, 'data set');
  const factor = (deviation) => Math.exp(deviation * stream.normal());
  const gain = factor(SHIFT.exposure);
  const contrast = factor(SHIFT.contrast);
  const brightness = SHIFT.brightness * stream.normal();
  const balance = [0, 1, 2].map(() => factor(SHIFT.balance));
  const noise = Math.abs(SHIFT.noise * stream.normal());
  const isBlurred = stream.uniform() < BLURRED;
  return (crop) => {
    const source = isBlurred ? blurred(crop) : crop;
    return Float64Array.from(source, (value, at) => {
      const changed = ((value - 120) * contrast + 120) * gain * (balance[at % 4] ?? 1) + brightness;
      return Math.min(255, Math.max(0, changed + noise * stream.normal()));
    });
  };
}

/** A box of two by two pixels. */
function blurred(crop) {
  const at = (y, x, c) => crop[4 * (Math.min(y, SIDE - 1) * SIDE + Math.min(x, SIDE - 1)) + c];
  return Float64Array.from(crop, (_, i) => {
    const [p, c] = [i >> 2, i & 3];
    const [y, x] = [Math.floor(p / SIDE), p % SIDE];
    return (at(y, x, c) + at(y + 1, x, c) + at(y, x + 1, c) + at(y + 1, x + 1, c)) / 4;
  });
}

/** Lower ends of the classes of leads that are counted apart. */
const LEADS = [1, 1.25, 1.5, 2, 3, 4, 8];

/**
 * `count` data sets, each with a stem of its own, trained on each of `forms` in turn.
 * @returns {{leads: {from: number, right: number, wrong: number}[], verdicts: Record<string, number>}}
 */
export function measureShifts(count, forms, crops) {
  const leads = LEADS.map((from) => ({ from, right: 0, wrong: 0 }));
  const verdicts = { right: 0, 'right but for the order': 0, 'cannot tell': 0, wrong: 0 };
  for (let seed = 0; seed < count; seed++) {
    const changed = crops.map(changeOf(seed));
    for (const [at, truth] of forms.entries()) {
      const graph = calibrated(seededStem(seed), truth, changed);
      const assumed = forms[(at + seed) % forms.length];
      const evidence = weighEvidence(graph, assumed, LFW_FACES);
      verdicts[outcomeOf(evidence, truth, assumed)] += 1;
      if (evidence.fits[0].divergence > 0.08) continue;
      const own = evidence.fits.find((fit) => isSameForm(fit, truth));
      for (const fit of evidence.fits) if (fit !== own) countLead(leads, own, fit);
    }
  }
  return { leads, verdicts };
}

function countLead(leads, own, other) {
  const isRight = own.divergence <= other.divergence;
  const lead = isRight ? leadOver(own, other) : leadOver(other, own);
  const at = leads.findLastIndex(({ from }) => lead >= from);
  leads[at][isRight ? 'right' : 'wrong'] += 1;
}

/** What was said of a network trained on `truth` (null: on no faces) when `assumed` was asked about. */
export function outcomeOf({ verdict, better, tellsOrder }, truth, assumed) {
  if (verdict === 'cannot tell') return 'cannot tell';
  if (truth === null) return 'wrong';
  const said = verdict === 'agrees' ? assumed : better;
  if (tellsOrder) return isSameForm(said, truth) ? 'right' : 'wrong';
  return hasSameValues(said, truth) ? 'right but for the order' : 'wrong';
}
