import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { picoLingwareDir, repositoryRoot } from '../../pipeline/cache-paths.ts';
import type { Model, ModelFile, ModelSource } from '../manifest.ts';

export interface LocalRoots {
  /** `LIVEDUB_MODEL_DIR`: a folder of models that somebody filled by hand. */
  readonly folder?: string;
  /** `LIVEDUB_PICO_LINGWARE`: where Pico's lingware lies when the set-up did not put it there. */
  readonly lingware?: string;
}

/** A package's folder, looked for as Node does: in each parent's node_modules. */
function npmPackageDir(name: string): string | undefined {
  for (let folder = repositoryRoot; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(found)) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

function placesOf(source: ModelSource, model: Model, file: ModelFile, roots: LocalRoots): string[] {
  switch (source.kind) {
    case 'npm': {
      const folder = npmPackageDir(source.package);
      return folder === undefined ? [] : [join(folder, source.path)];
    }
    case 'debian': {
      // Set-up unpacks this package into the cache, because it is in a section that many machines do not have.
      const unpacked =
        source.package === 'libttspico-data'
          ? [...(roots.lingware ? [roots.lingware] : []), picoLingwareDir()]
          : [];
      return [...unpacked.map((folder) => join(folder, basename(source.path))), source.path];
    }
    case 'folder':
      return roots.folder === undefined ? [] : [join(roots.folder, model.id, file.path)];
    default:
      return [];
  }
}

/** Where on this machine a file may lie already, in the manifest's order; only paths that exist. */
export function localPlaces(model: Model, file: ModelFile, roots: LocalRoots): string[] {
  return file.sources
    .flatMap((source) => placesOf(source, model, file, roots))
    .filter((path) => existsSync(path));
}
