import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GraphBuilder, type OnnxDim, type OnnxType } from '../../onnx/graph-builder.ts';
import type { MuseTalk } from './musetalk.ts';

/** For tests: networks with the published inputs and outputs, and no more inside than shows that each input arrived. */

async function write(file: string, g: GraphBuilder): Promise<string> {
  await writeFile(file, Buffer.concat(g.model({ name: 'tiny', opset: 17 })));
  return file;
}

/** Along axis `axis`, elements from … to. */
function slice(g: GraphBuilder, x: string, axis: number, from: number, to: number): string {
  return g.op('Slice', [x, g.ints([from]), g.ints([to]), g.ints([axis])]);
}

function meanOf(g: GraphBuilder, x: string, axes: readonly number[]): string {
  return g.op('ReduceMean', [x], { axes: { ints: axes }, keepdims: { int: 1 } });
}

/**
 * A Wav2Lip whose face is, in each channel, a quarter of the masked one and half of the whole one, and which is brighter by a
 * sixteenth of the mean of the mel spectrogram, in stripes.
 * @param batch a number fixes it, as some exports do
 */
export async function writeTinyWav2Lip(batch: OnnxDim = 'batch'): Promise<string> {
  const g = new GraphBuilder();
  const mel = g.input('mel_spectrogram', 'float32', [batch, 1, 80, 16]);
  const face = g.input('video_frames', 'float32', [batch, 6, 96, 96]);
  const masked = g.op('Mul', [slice(g, face, 1, 0, 3), g.scalar(0.25)]);
  const whole = g.op('Mul', [slice(g, face, 1, 3, 6), g.scalar(0.5)]);
  const rows = Float32Array.from({ length: 96 }, (_, y) => (Math.floor(y / 8) % 2) / 8);
  const stripes = g.weight('stripes', 'float32', [1, 1, 96, 1], rows);
  const light = g.op('Mul', [meanOf(g, mel, [1, 2, 3]), stripes]);
  g.node('Add', [g.op('Add', [masked, whole]), light], { names: ['predicted_frames'] });
  g.output('predicted_frames', 'float32', [batch, 3, 96, 96]);
  return write(path.join(await mkdtemp(path.join(tmpdir(), 'livedub-wav2lip-')), 'wav2lip_96.onnx'), g);
}

export interface TinyMuseTalkOptions {
  /** Floats of the UNet. Default `float32`. */
  readonly floats?: OnnxType & ('float32' | 'float16');
  /** Whether the VAE gives means and variances. Default true. */
  readonly moments?: boolean;
  /** Whether Whisper's layers come as one tensor. Default true. */
  readonly stacked?: boolean;
  /** Default `batch`. */
  readonly batch?: OnnxDim;
}

/**
 * A MuseTalk whose VAE shrinks pictures eightfold by averaging, whose UNet gives back the latents of the whole face, brighter by a
 * tenth of the mean of the features, and whose Whisper says in every layer how loud each 20 ms are.
 */
export async function writeTinyMuseTalk(
  options: TinyMuseTalkOptions = {},
): Promise<Record<(typeof MuseTalk.requiredFiles)[number], string>> {
  const { floats = 'float32', moments = true, stacked = true, batch = 'batch' } = options;
  const dir = await mkdtemp(path.join(tmpdir(), 'livedub-musetalk-'));
  const file = (name: string): string => path.join(dir, `${name}.onnx`);
  return {
    unet: await write(file('unet'), unet(floats, batch)),
    vae_encoder: await write(file('vae_encoder'), encoder(moments, batch)),
    vae_decoder: await write(file('vae_decoder'), decoder(batch)),
    whisper_encoder: await write(file('whisper_encoder'), whisper(stacked)),
  };
}

/** Latents: red, green, blue of each 8 × 8 pixels, and a zero. */
function encoder(moments: boolean, batch: OnnxDim): GraphBuilder {
  const g = new GraphBuilder();
  const x = g.input('sample', 'float32', [batch, 3, 256, 256]);
  const small = g.op('AveragePool', [x], { kernel_shape: { ints: [8, 8] }, strides: { ints: [8, 8] } });
  const zero = g.op('Mul', [slice(g, small, 1, 0, 1), g.scalar(0)]);
  const parts = moments
    ? [small, zero, g.op('Add', [small, g.scalar(50)]), g.op('Add', [zero, g.scalar(50)])]
    : [small, zero];
  g.node('Concat', parts, { attributes: { axis: { int: 1 } }, names: ['latent_parameters'] });
  g.output('latent_parameters', 'float32', [batch, moments ? 8 : 4, 32, 32]);
  return g;
}

function unet(floats: OnnxType, batch: OnnxDim): GraphBuilder {
  const g = new GraphBuilder();
  const latents = g.input('sample', floats, [batch, 8, 32, 32]);
  const step = g.input('timestep', 'int64', [1]);
  const sound = g.input('encoder_hidden_states', floats, [batch, 50, 384]);
  const as = (x: string, to: number): string => g.op('Cast', [x], { to: { int: to } });
  const loud = g.op('Mul', [meanOf(g, as(sound, 1), [1, 2]), g.scalar(0.1)]);
  const light = g.op('Reshape', [loud, g.ints([-1, 1, 1, 1])]);
  const whole = slice(g, as(latents, 1), 1, 4, 8);
  const lit = g.op('Add', [whole, g.op('Add', [light, as(step, 1)])]);
  g.node('Cast', [lit], {
    attributes: { to: { int: floats === 'float16' ? 10 : 1 } },
    names: ['out_sample'],
  });
  g.output('out_sample', floats, [batch, 4, 32, 32]);
  return g;
}

function decoder(batch: OnnxDim): GraphBuilder {
  const g = new GraphBuilder();
  const latents = g.input('latent_sample', 'float32', [batch, 4, 32, 32]);
  const scales = g.weight('scales', 'float32', [4], Float32Array.of(1, 1, 8, 8));
  g.node('Resize', [slice(g, latents, 1, 0, 3), '', scales], {
    attributes: { mode: { text: 'nearest' } },
    names: ['sample'],
  });
  g.output('sample', 'float32', [batch, 3, 256, 256]);
  return g;
}

/** Layer k says k + 1 times the mean of the mel bands. */
function whisper(stacked: boolean): GraphBuilder {
  const g = new GraphBuilder();
  const mel = g.input('input_features', 'float32', ['batch', 80, 3000]);
  const halved = g.op('AveragePool', [meanOf(g, mel, [1])], {
    kernel_shape: { ints: [2] },
    strides: { ints: [2] },
  });
  const column = g.op('Transpose', [halved], { perm: { ints: [0, 2, 1] } });
  const wide = g.weight('wide', 'float32', [1, 1, 384], new Float32Array(384).fill(1));
  const layers = [1, 2, 3, 4, 5].map((k) => g.op('Mul', [g.op('Mul', [column, g.scalar(k)]), wide]));
  if (!stacked) {
    for (const [i, layer] of layers.entries()) {
      const name = `hidden_states.${i}`;
      g.node('Identity', [layer], { names: [name] });
      g.output(name, 'float32', ['batch', 1500, 384]);
    }
    return g;
  }
  const raised = layers.map((layer) => g.op('Unsqueeze', [layer, g.ints([2])]));
  g.node('Concat', raised, { attributes: { axis: { int: 2 } }, names: ['hidden_states'] });
  g.output('hidden_states', 'float32', ['batch', 1500, 5, 384]);
  return g;
}
