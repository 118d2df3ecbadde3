/** Trees of files as kernels and container runtimes leave them. */

import { describe, expect, it } from 'vitest';
import { cpuQuota } from '../../src/runtime/cpu-quota.ts';

function quotaOf(files: Readonly<Record<string, string>>): number {
  return cpuQuota((path) => files[path]);
}

describe('cpuQuota', () => {
  it.each<[string, Readonly<Record<string, string>>, number]>([
    ['no control groups', {}, Number.POSITIVE_INFINITY],
    [
      'version 2 without a limit',
      { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' },
      Number.POSITIVE_INFINITY,
    ],
    [
      'docker run --cpus 1.5, version 2',
      { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '150000 100000\n' },
      1.5,
    ],
    [
      'a limit of a slice around a service',
      {
        '/proc/self/cgroup': '0::/system.slice/face:1.service\n',
        '/sys/fs/cgroup/system.slice/cpu.max': '200000 100000\n',
        '/sys/fs/cgroup/system.slice/face:1.service/cpu.max': '400000 100000\n',
      },
      2,
    ],
    [
      'docker run --cpus 2, version 1, where the path is that of the host',
      {
        '/proc/self/cgroup':
          '12:cpu,cpuacct:/docker/0a1b\n3:memory:/docker/0a1b\n0::/system.slice\n',
        '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '200000\n',
        '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
      },
      2,
    ],
    [
      'half a processor in a pod of version 1',
      {
        '/proc/self/cgroup': '4:cpu:/kubepods/pod7/c1\n',
        '/sys/fs/cgroup/cpu/kubepods/pod7/c1/cpu.cfs_quota_us': '50000\n',
        '/sys/fs/cgroup/cpu/kubepods/pod7/c1/cpu.cfs_period_us': '100000\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      0.5,
    ],
    [
      'a path that leads out of the container',
      { '/proc/self/cgroup': '0::/../../x\n', '/sys/fs/cgroup/cpu.max': '300000 100000\n' },
      3,
    ],
    [
      'files that hold something else',
      { '/proc/self/cgroup': '0::/\n::\nabc\n', '/sys/fs/cgroup/cpu.max': 'many\n' },
      Number.POSITIVE_INFINITY,
    ],
  ])('reads %s', (_, files, expected) => {
    expect(quotaOf(files)).toBe(expected);
  });
});
