import { existsSync } from 'node:fs';
import { findCommand } from './exec.mjs';

/**
 * A Debian package and how to see that what it brings is there, so that the same list serves other systems too.
 * @typedef {{ name: string, commands?: string[], files?: string[], purpose: string }} DebianPackage
 */

const mode = (name) => `/usr/share/apertium/modes/${name}.mode`;
const pair = (name, modes, purpose) => ({ name, files: modes.map(mode), purpose });

/** Nothing works without these. */
export const REQUIRED_PACKAGES = [
  { name: 'ffmpeg', commands: ['ffmpeg', 'ffprobe'], purpose: 'reads and writes media' },
];

/** Apertium and its language pairs, with the modes that each brings; pivoting joins them (en → es → fr). */
export const TRANSLATION_PACKAGES = [
  { name: 'apertium', commands: ['apertium'], purpose: 'translation, gist tier' },
  pair('apertium-eng-spa', ['eng-spa', 'spa-eng'], 'English ↔ Spanish'),
  pair('apertium-eng-cat', ['eng-cat', 'cat-eng'], 'English ↔ Catalan'),
  pair('apertium-en-gl', ['en-gl', 'gl-en'], 'English ↔ Galician'),
  pair('apertium-spa-cat', ['spa-cat', 'cat-spa'], 'Spanish ↔ Catalan'),
  pair('apertium-es-pt', ['es-pt', 'pt-es'], 'Spanish ↔ Portuguese'),
  pair('apertium-es-gl', ['es-gl', 'gl-es'], 'Spanish ↔ Galician'),
  pair('apertium-fr-es', ['fr-es', 'es-fr'], 'French ↔ Spanish'),
  pair('apertium-spa-ita', ['spa-ita', 'ita-spa'], 'Spanish ↔ Italian'),
  pair('apertium-fra-cat', ['fra-cat', 'cat-fra'], 'French ↔ Catalan'),
  pair('apertium-por-cat', ['por-cat', 'cat-por'], 'Portuguese ↔ Catalan'),
  pair('apertium-cat-ita', ['cat-ita', 'ita-cat'], 'Catalan ↔ Italian'),
  pair('apertium-pt-gl', ['pt-gl', 'gl-pt'], 'Portuguese ↔ Galician'),
];

/** Runs GPU kernels on the processor; Debian 12's is too old for that, but brings every library that a newer one needs. */
export const VULKAN_PACKAGES = [
  {
    name: 'mesa-vulkan-drivers',
    files: ['/usr/share/doc/mesa-vulkan-drivers/copyright'],
    purpose: 'software Vulkan',
  },
];

/** Only tests drive a browser. */
export const TEST_PACKAGES = [{ name: 'chromium', commands: ['chromium'], purpose: 'browser tests' }];

/** Compiles npm's native modules where no prebuilt one can be fetched. */
export const TOOLCHAIN_PACKAGES = [
  { name: 'build-essential', commands: ['g++', 'make'], purpose: 'compiles native modules' },
  { name: 'python3', commands: ['python3'], purpose: "runs node-gyp, npm's build tool" },
];

/** Builds mediasoup-worker where no prebuilt one can be fetched. */
export const WORKER_BUILD_PACKAGES = [
  {
    name: 'build-essential',
    commands: ['g++', 'make', 'patch', 'strip', 'dpkg-source'],
    purpose: 'compiler',
  },
  { name: 'pkg-config', commands: ['pkg-config'], purpose: 'finds libraries' },
  { name: 'meson', files: ['/usr/bin/meson'], purpose: 'build tool' },
  { name: 'ninja-build', files: ['/usr/bin/ninja'], purpose: 'build tool' },
  { name: 'flatbuffers-compiler', commands: ['flatc'], purpose: 'generates message classes' },
  { name: 'libflatbuffers-dev', files: ['/usr/include/flatbuffers/flatbuffers.h'], purpose: 'headers' },
  { name: 'libssl-dev', files: ['/usr/include/openssl/ssl.h'], purpose: 'headers' },
  { name: 'libuv1-dev', files: ['/usr/include/uv.h'], purpose: 'headers' },
  { name: 'libsrtp2-dev', files: ['/usr/include/srtp2/srtp.h'], purpose: 'headers' },
  { name: 'libabsl-dev', files: ['/usr/include/absl/types/optional.h'], purpose: 'headers' },
];

/** True when everything that the package brings is there, whoever brought it. */
export function isThere(entry) {
  return (
    (entry.commands ?? []).every((name) => findCommand(name)) &&
    (entry.files ?? []).every((file) => existsSync(file))
  );
}

export const missingOf = (packages) => packages.filter((entry) => !isThere(entry));

/** The exact line for a person to run. */
export function installLine(packages) {
  const names = packages.map((entry) => entry.name).join(' ');
  if (!findCommand('apt-get')) return `install with this system's package manager (Debian's names): ${names}`;
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return `${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${names}`;
}
