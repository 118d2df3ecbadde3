/**
 * What the scans of a JPEG announce (ITU T.81 B.2.3, G.1.1.1). Receives the parameters of each; says whether
 * all of them together bring every coefficient of every component to its last bit. A sequential picture has
 * one scan, or one for each component; a progressive one comes in bands of coefficients, and in bits from
 * the high ones down.
 */
export class JpegScans {
  count = 0;
  /** By component: bit k is set when coefficient k has come to its last bit. */
  private readonly finished = new Map<number, bigint>();

  /** `body`: the segment after its length. Returns how many scans there were. */
  add(body: Uint8Array): number {
    const components = body[0] ?? 0;
    const [first = 0, last = 0, bits = 0] = body.subarray(1 + 2 * components, 4 + 2 * components);
    // Low four bits: the position of the lowest bit that this scan brings.
    if ((bits & 15) === 0 && first <= last && last < 64) {
      const band = ((1n << BigInt(last - first + 1)) - 1n) << BigInt(first);
      for (let i = 0; i < components; i++) {
        const id = body[1 + 2 * i] ?? -1;
        this.finished.set(id, (this.finished.get(id) ?? 0n) | band);
      }
    }
    this.count += 1;
    return this.count;
  }

  /** `frame`: the segment of the frame (SOF) after its length. */
  isComplete(frame: Uint8Array): boolean {
    const components = frame[5] ?? 0;
    const all = (1n << 64n) - 1n;
    const ids = Array.from({ length: components }, (_, i) => frame[6 + 3 * i] ?? -1);
    return components > 0 && ids.every((id) => this.finished.get(id) === all);
  }
}
