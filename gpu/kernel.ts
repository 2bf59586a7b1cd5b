import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../pipeline/cache-paths.ts';

/** The threads' bundles lie elsewhere than their sources, so kernels are found from the repository. */
const FOLDER = join(repositoryRoot, 'gpu', 'kernels');

/** Text of a kernel, after the parts of others that it uses: names of files in gpu/kernels/. */
export function kernelSource(name: string, uses: readonly string[] = []): string {
  return [...uses, name].map((file) => readFileSync(join(FOLDER, `${file}.wgsl`), 'utf8')).join('\n');
}
