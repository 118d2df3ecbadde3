/**
 * Two functions of equal work, to see whether the engine pairs 128-bit instructions into 256-bit ones: a tile of
 * 4 rows and two vectors, K steps each. `probe_paired` stores the two vectors of a row as neighbours, which is where V8
 * starts to pair; `probe_single` stores them apart and is never paired. Paired, the first takes about half the time.
 *
 * x           4 + 8 floats a step, 64 bytes apart; y  eight vectors in 256 bytes
 */
export function probe_paired(k: i32, x: usize, y: usize): void {
  Probe.run<Near>(k, x, y);
}

export function probe_single(k: i32, x: usize, y: usize): void {
  Probe.run<Apart>(k, x, y);
}

/** Where the second vector of a row goes, as types: beside the first, or apart. */
@unmanaged
class Near {}
@unmanaged
class Apart {
  a: u8;
}

class Probe {
  // biome-ignore format: a row of the tile per line
  @inline static run<D>(k: i32, x: usize, y: usize): void {
    let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    for (let end = x + ((<usize>k) << 6); x < end; x += 64) {
      const p = v128.load(x), q = v128.load(x, 16);
      let s = v128.load32_splat(x, 32);
      a0 = f32x4.add(f32x4.mul(s, p), a0); a1 = f32x4.add(f32x4.mul(s, q), a1);
      s = v128.load32_splat(x, 36);
      b0 = f32x4.add(f32x4.mul(s, p), b0); b1 = f32x4.add(f32x4.mul(s, q), b1);
      s = v128.load32_splat(x, 40);
      c0 = f32x4.add(f32x4.mul(s, p), c0); c1 = f32x4.add(f32x4.mul(s, q), c1);
      s = v128.load32_splat(x, 44);
      d0 = f32x4.add(f32x4.mul(s, p), d0); d1 = f32x4.add(f32x4.mul(s, q), d1);
    }
    if (offsetof<D>() === 0) {
      v128.store(y, a0); v128.store(y, a1, 16); v128.store(y, b0, 32); v128.store(y, b1, 48);
      v128.store(y, c0, 64); v128.store(y, c1, 80); v128.store(y, d0, 96); v128.store(y, d1, 112);
    } else {
      v128.store(y, a0); v128.store(y, a1, 128); v128.store(y, b0, 32); v128.store(y, b1, 160);
      v128.store(y, c0, 64); v128.store(y, c1, 192); v128.store(y, d0, 96); v128.store(y, d1, 224);
    }
  }
}
