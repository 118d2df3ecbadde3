/**
 * How often the evidence of a network itself is right: what `convert` says of the form that it takes a
 * network's input for, over trained networks and over seeded ones whose batch norms saw faces in a known
 * form. Every network is asked about every form. Shipped statistics are of folds 4 and 5 of LFW's pairs,
 * calibration is on folds 1 to 3.
 *
 *   node bench/evidence.mjs [--small] [--json] [--crops 16] [--shifts n]
 *
 * --shifts: n data sets unlike the shipped statistics, and how leads of one form over another turn out there.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { candidatesWith, isSameForm } from '../dist/convert/evidence/candidates.js';
import { LFW_FACES } from '../dist/convert/evidence/lfw-faces.js';
import { weighEvidence } from '../dist/convert/evidence/weigh.js';
import { calibrated } from './evidence/calibrate.mjs';
import { publishedNetworks, seededNetworks, seededStem } from './evidence/networks.mjs';
import { otherPictures } from './evidence/other-pictures.mjs';
import { measureShifts, outcomeOf } from './evidence/shifts.mjs';
import { cropsOfFolds, LFW_FOLDS } from './lib/lfw-crops.mjs';

const { values: options } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    crops: { type: 'string', default: '16' },
    shifts: { type: 'string' },
  },
});

const FORMS = candidatesWith({ order: 'rgb', mean: [0, 0, 0], std: [1, 1, 1] });
/** Nobody trains on inputs that are normalised twice: only a wrong conversion makes them. */
const TRAINED_ON = FORMS.filter(({ name }) => !name.includes('twice'));
const OUTCOMES = ['right', 'right but for the order', 'cannot tell', 'wrong'];
/** Of folds 1 to 3. */
const PICTURES = 2300;

/** One network against every form that a conversion could assume. */
function ask(graph, truth) {
  const asked = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
  let fits = [];
  for (const assumed of FORMS) {
    const evidence = weighEvidence(graph, assumed, LFW_FACES);
    asked[outcomeOf(evidence, truth, assumed)] += 1;
    ({ fits } = evidence);
  }
  const own = fits.find((fit) => truth && isSameForm(fit, truth));
  const others = fits.filter((fit) => fit !== own).map(({ divergence }) => divergence);
  return {
    ...asked,
    own: own?.divergence ?? null,
    other: others.length > 0 ? Math.min(...others) : null,
  };
}

/** One row for a network in several forms. */
function together(name, seen, asked) {
  const sums = OUTCOMES.map((outcome) => [
    outcome,
    asked.reduce((sum, one) => sum + one[outcome], 0),
  ]);
  const defined = (key) => asked.map((one) => one[key]).filter((value) => value !== null);
  const pick = (of, values) => (values.length > 0 ? of(...values) : null);
  return {
    name,
    seen,
    forms: asked.length,
    ...Object.fromEntries(sums),
    own: pick(Math.max, defined('own')),
    other: pick(Math.min, defined('other')),
  };
}

function measureNetworks(crops) {
  const rows = publishedNetworks().map(({ name, graph, truth }) =>
    together(name, truth !== null, [ask(graph, truth)]),
  );
  const untouched = [];
  for (const { name, graph, finish } of seededNetworks(options.small)) {
    console.error(`${name} ...`);
    untouched.push(ask(finish(graph), null));
    const asked = TRAINED_ON.map((truth) => ask(finish(calibrated(graph, truth, crops)), truth));
    rows.push(together(name, true, asked));
  }
  const others = options.small ? [] : [measureOthers(2)];
  return [
    ...rows,
    together('the seeded networks before they saw a face', false, untouched),
    ...others,
  ];
}

/** Stems that were trained on something else: whatever is said of them is no more than luck. */
function measureOthers(count) {
  const asked = [];
  for (let seed = 0; seed < count; seed++) {
    for (const [, pictures] of otherPictures(seed, 4)) {
      for (const truth of TRAINED_ON) {
        asked.push(ask(calibrated(seededStem(seed), truth, pictures), truth));
      }
    }
  }
  return together('stems that saw noise, waves, squares, plain colours', false, asked);
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function print({ networks, shifts }) {
  const shown = (value) => (value === null ? '' : value.toPrecision(2));
  const head = ['network', 'forms', ...OUTCOMES, 'own form, most', 'any other, least'];
  const row = ({ name, forms, own, other, ...told }) => [
    name,
    forms,
    ...OUTCOMES.map((outcome) => told[outcome]),
    shown(own),
    shown(other),
  ];
  console.log(table(head, networks.map(row)));
  if (!shifts) return;
  console.log(`\n${table(OUTCOMES, [OUTCOMES.map((outcome) => shifts.verdicts[outcome])])}\n`);
  const lead = ({ from, right, wrong }) => [
    from,
    right,
    wrong,
    (right / (right + wrong)).toFixed(4),
  ];
  console.log(table(['lead from', 'right', 'wrong', 'share'], shifts.leads.map(lead)));
}

if (!existsSync(LFW_FOLDS)) {
  console.error(`skipped: ${LFW_FOLDS} is absent`);
  process.exit(0);
}
const crops = await cropsOfFolds(
  LFW_FOLDS,
  [1, 2, 3],
  Math.floor(PICTURES / Number(options.crops)),
);
const result = {
  networks: measureNetworks(crops),
  ...(options.shifts && {
    shifts: measureShifts(Number(options.shifts), TRAINED_ON, crops.slice(0, 6)),
  }),
};
if (options.json) console.log(JSON.stringify(result, null, 2));
else print(result);
