/**
 * Counts linear memory from outside, alike for every engine: memories that are constructed and
 * memories that instances export. Import it before the engine.
 */

const memories = new Set();

const { Memory, Instance, instantiate } = WebAssembly;

WebAssembly.Memory = new Proxy(Memory, {
  construct(target, args, newTarget) {
    const memory = Reflect.construct(target, args, newTarget);
    memories.add(memory);
    return memory;
  },
});

WebAssembly.Instance = new Proxy(Instance, {
  construct(target, args, newTarget) {
    return keep(Reflect.construct(target, args, newTarget));
  },
});

WebAssembly.instantiate = async (...args) => {
  const result = await instantiate.apply(WebAssembly, args);
  keep(result.instance ?? result);
  return result;
};

function keep(instance) {
  for (const value of Object.values(instance.exports)) {
    if (value instanceof Memory) memories.add(value);
  }
  return instance;
}

/** Bytes of all memories seen, as long as they are now. */
export function wasmBytes() {
  return [...memories].reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
}
