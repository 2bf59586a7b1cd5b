import { describe, expect, it } from 'vitest';
import { isPackaged, MANIFEST, parseManifest } from './manifest.ts';

describe('the manifest', () => {
  it('names a hash for every file that a package ships', () => {
    for (const model of MANIFEST.filter((model) => isPackaged(model) || model.recommended)) {
      for (const file of model.files) expect(file.sha256, `${model.id} ${file.path}`).toBeDefined();
    }
  });

  it('recommends no more than 400 MB, all of it free for commercial use', () => {
    const recommended = MANIFEST.filter((model) => model.recommended);
    expect(recommended.map(({ id }) => id)).toContain('whisper-base');
    expect(recommended.reduce((sum, model) => sum + (model.downloadBytes ?? 0), 0)).toBeLessThan(400e6);
    expect(recommended.every((model) => model.commercialUse)).toBe(true);
  });

  it('refuses double ids, double names and paths that leave the folder', () => {
    const [first] = MANIFEST.filter((model) => model.files.length > 0);
    expect(() => parseManifest([first!, first!])).toThrow(/twice/);
    const [file] = first!.files;
    expect(() => parseManifest([{ ...first!, files: [file!, file!] }])).toThrow(/twice/);
    expect(() => parseManifest([{ ...first!, files: [{ ...file!, path: '../up' }] }])).toThrow();
  });
});
