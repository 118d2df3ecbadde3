/**
 * Reads a panel of weights once from end to end, so that it comes from DRAM with as many cache misses
 * under way as the core has: a loop with arithmetic between the loads waits longer for each
 * (docs/adr/0005). What is read is stored in the vector at `work`, or the compiler would drop the loads.
 */
export function fetch(src: usize, bytes: usize, work: usize): void {
  let seen = f32x4.splat(0);
  for (let end = src + bytes; src < end; src += 64) seen = v128.xor(seen, v128.load(src));
  v128.store(work, seen);
}
