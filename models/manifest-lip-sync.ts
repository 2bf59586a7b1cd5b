import type { ModelInput } from './manifest.ts';
import { type FileInput, hubFile, ownFile } from './manifest-files.ts';

const FACEFUSION = 'https://github.com/facefusion/facefusion-assets/releases/download/models-3.0.0';

const onnx = (name: string): FileInput => ownFile(name, `${name}.onnx`);

/**
 * Networks that move lips, and the one that judges them. Nobody publishes hashes for these files, so each is refused until the
 * operator's own folder names one (SHA256SUMS). Signatures: models/engines/lip-sync/ and loadtest/face/syncnet.ts.
 */
export const LIP_SYNC_MODELS: readonly ModelInput[] = [
  {
    // Code: MIT; UNet: "available for any purpose, even commercially" (README); its VAE is Stability AI's sd-vae-ft-mse (MIT), its
    // encoder of sound Whisper tiny (MIT).
    id: 'musetalk',
    version: '1.5',
    title: 'MuseTalk lip-sync network, exported to ONNX',
    task: 'reanimate',
    languages: ['mul'],
    tier: 'good',
    licence: 'MIT',
    commercialUse: true,
    files: ['unet', 'vae_encoder', 'vae_decoder', 'whisper_encoder'].map(onnx),
  },
  {
    // Trained on LRS2, whose terms forbid commercial use.
    id: 'wav2lip',
    version: '1.0',
    title: 'Wav2Lip lip-sync network, 96 × 96',
    task: 'reanimate',
    languages: ['mul'],
    tier: 'fair',
    licence: 'Wav2Lip',
    commercialUse: false,
    files: [hubFile('model', 'wav2lip_96.onnx', `${FACEFUSION}/wav2lip_96.onnx`)],
  },
  {
    id: 'syncnet',
    version: '2',
    title: 'SyncNet, scores lips against sound, exported to ONNX',
    task: 'score',
    languages: ['mul'],
    licence: 'MIT',
    commercialUse: true,
    files: ['lip', 'audio'].map(onnx),
  },
];
