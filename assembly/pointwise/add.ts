export function add(a: usize, b: usize): void {
  v128.store(a, f32x4.add(v128.load(a), v128.load(b)));
}
