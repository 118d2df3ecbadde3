/** What both builds of onnxruntime share: the same interface over a session. */

export async function loadSession(ort, onnxPath, options) {
  const session = await ort.InferenceSession.create(onnxPath, {
    ...options,
    graphOptimizationLevel: 'all',
  });
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  return {
    async run(nchw) {
      const tensor = new ort.Tensor('float32', nchw, [1, 3, 112, 112]);
      return (await session.run({ [input]: tensor }))[output].data;
    },
    dispose: () => session.release(),
  };
}
