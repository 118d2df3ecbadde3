/**
 * InsightFace's MXNet names in the words of `arcface_torch/backbones/iresnet.py`:
 * `stage1_unit2_conv1_weight` -> `layer1.1.conv1.weight`.
 */

const STEM: Readonly<Record<string, string>> = {
  conv0: 'conv1',
  bn0: 'bn1',
  relu0: 'prelu',
  bn1: 'bn2',
  pre_fc1: 'fc',
  fc1: 'features',
};
const UNIT: Readonly<Record<string, string>> = {
  relu1: 'prelu',
  conv1sc: 'downsample.0',
  sc: 'downsample.1',
};
const ROLES: Readonly<Record<string, string>> = {
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_var: 'running_var',
};

/** Names of another architecture keep their layer and get torch's word for the role. */
export function torchName(name: string): string {
  const [, layer = name, role] =
    /^(.*)_(weight|bias|gamma|beta|moving_mean|moving_var|slope|shape|flatten)$/.exec(name) ?? [];
  const unit = /^stage(\d+)_unit(\d+)_(.*)$/.exec(layer);
  const place = unit
    ? `layer${unit[1]}.${Number(unit[2]) - 1}.${UNIT[unit[3] ?? ''] ?? unit[3]}`
    : (STEM[layer] ?? layer);
  return role ? `${place}.${ROLES[role] ?? role}` : place;
}
