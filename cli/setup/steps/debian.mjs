import { installPackages } from '../apt.mjs';
import { missingOf, REQUIRED_PACKAGES, TEST_PACKAGES, TRANSLATION_PACKAGES } from '../packages.mjs';

const packageStep = (id, title, required, packages) => ({
  id,
  title,
  required,
  check() {
    const missing = missingOf(packages);
    return missing.length === 0
      ? { ok: true }
      : { ok: false, detail: `not installed: ${missing.map((entry) => entry.name).join(', ')}` };
  },
  install: (context) => installPackages(packages, context),
});

export const ffmpegStep = packageStep('ffmpeg', 'FFmpeg', true, REQUIRED_PACKAGES);
export const translationStep = packageStep(
  'apertium',
  'Apertium and its language pairs',
  false,
  TRANSLATION_PACKAGES,
);
export const browserStep = packageStep('chromium', 'Chromium for the browser tests', false, TEST_PACKAGES);
