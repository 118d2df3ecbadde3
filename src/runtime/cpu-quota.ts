/**
 * How many processors a container may use: Linux gives it all of the machine's, and stops it for the rest of
 * each period once it has used its share. Receives a reader of small files (undefined where there is none);
 * returns the share in processors, Infinity where there is no limit. A limit of any group around the
 * process counts; both versions of control groups are read.
 *
 * Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst (version 1).
 */

type ReadText = (path: string) => string | undefined;

const ROOT = '/sys/fs/cgroup';
/** The controller's folder may be mounted under any of these. */
const FOLDERS_V1 = [`${ROOT}/cpu`, `${ROOT}/cpu,cpuacct`, `${ROOT}/cpuacct,cpu`];
const FOLDERS_V2 = [ROOT, `${ROOT}/unified`];

export function cpuQuota(read: ReadText): number {
  // id:controllers:path, one line per hierarchy; version 2 has id 0 and no controllers.
  const lines = (read('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'));
  const quotas = lines.flatMap(([id, controllers = '', ...path]) => {
    const groups = groupsAround(path.join(':'));
    if (id === '0' && controllers === '')
      return below(FOLDERS_V2, groups).map((at) => v2(at, read));
    const isCpu = controllers.split(',').includes('cpu');
    return isCpu ? below(FOLDERS_V1, groups).map((at) => v1(at, read)) : [];
  });
  return Math.min(Number.POSITIVE_INFINITY, ...quotas);
}

/** '/a/b' -> '/a/b', '/a', ''. Within a container the path may be the host's, which ends at ''. */
function groupsAround(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    parts
      .slice(0, parts.length - i)
      .map((part) => `/${part}`)
      .join(''),
  );
}

function below(folders: readonly string[], groups: readonly string[]): string[] {
  return folders.flatMap((folder) => groups.map((group) => folder + group));
}

/** `cpu.max`: '150000 100000', microseconds in each period, or 'max 100000'. */
function v2(folder: string, read: ReadText): number {
  const [quota, period] = (read(`${folder}/cpu.max`) ?? '').trim().split(/\s+/);
  return share(Number(quota), Number(period));
}

/** -1 is no limit. */
function v1(folder: string, read: ReadText): number {
  const quota = read(`${folder}/cpu.cfs_quota_us`);
  if (quota === undefined) return Number.POSITIVE_INFINITY;
  return share(Number(quota), Number(read(`${folder}/cpu.cfs_period_us`)));
}

function share(quota: number, period: number): number {
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
}
