// Tries a driver out in a process of its own: opens its adapter, adds two numbers on it, and prints what it is as one line of
// JSON; `null` where there is none. A driver that crashes or hangs does so here, and costs the caller nothing.
import { create, globals } from 'webgpu';

const ADD = `
@group(0) @binding(0) var<storage, read_write> numbers: array<u32, 2>;
@compute @workgroup_size(1) fn main() { numbers[0] += numbers[1]; }
`;

const { GPUBufferUsage, GPUMapMode } = globals;
const gpu = create([]);
const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
if (adapter === null) {
  console.log('null');
} else {
  const device = await adapter.requestDevice();
  const sum = await add(device, 40, 2);
  device.destroy();
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const info = { vendor, architecture, description, isSoftware: isFallbackAdapter };
  console.log(JSON.stringify(sum === 42 ? info : null));
}

async function add(device, a, b) {
  const numbers = device.createBuffer({
    size: 8,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  });
  const result = device.createBuffer({ size: 8, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(numbers, 0, Uint32Array.of(a, b));
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: ADD }) },
  });
  const bindings = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: numbers } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindings);
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(numbers, 0, result, 0, 8);
  device.queue.submit([encoder.finish()]);
  await result.mapAsync(GPUMapMode.READ);
  return new Uint32Array(result.getMappedRange())[0];
}
