#!/bin/bash
# Builds mediasoup-worker from the C++ sources in the npm package against Debian's libraries; needs no network.
#
#   build.sh MEDIASOUP_PACKAGE OUTPUT WORK_FOLDER [LIBSRTP2_SOURCE]
#
# WORK_FOLDER keeps what is compiled, so that a build that was stopped goes on from there; it is removed at the end.
# LIBSRTP2_SOURCE is the unpacked Debian source of libsrtp2, compiled in with OpenSSL; without it libsrtp2-dev is used.
# JOBS limits the compiler processes (default: one per core).
set -euo pipefail

here=$(dirname "$(realpath "$0")")
package=$(realpath "$1")
output=$(realpath -m "$2")
work=$(realpath -m "$3")
srtp2=${4:+$(realpath "$4")}

prepare() {
  rm -rf "$work"
  mkdir -p "$work"
  # The package folder stays untouched: `npm ci` may replace it at any time.
  cp -R "$package/worker" "$work/worker"
  cd "$work/worker"
  rm -rf out prebuild

  # A subproject folder that is already there is taken by meson instead of the download its .wrap file describes.
  for shim in "$here"/shims/*/; do
    wrap=subprojects/$(basename "$shim").wrap
    folder=subprojects/$(awk -F ' *= *' '$1 == "directory" { sub(/\r$/, "", $2); print $2 }' "$wrap")
    cp -R "$shim" "$folder"
    cp "$here/shims/stub.c" "$folder/"
  done
  [ -z "$srtp2" ] || cp -R "$srtp2" subprojects/libsrtp2

  for patch in "$here"/patches/*.patch; do
    patch --strip=1 --no-backup-if-mismatch --input="$patch"
  done

  # Debian 12 has meson 1.0.1, and nothing here needs more.
  sed -i "s/meson_version: '>= 1\.1\.0'/meson_version: '>= 1.0.0'/" meson.build

  # By full path: another meson in PATH (pip, pyenv) must not matter.
  /usr/bin/meson setup build --buildtype release -Db_ndebug=true --wrap-mode=nodownload
  touch "$work/ready"
}

[ -f "$work/ready" ] || prepare
cd "$work/worker"
/usr/bin/ninja -C build ${JOBS:+-j "$JOBS"} mediasoup-worker
strip build/mediasoup-worker

# Without MEDIASOUP_VERSION the worker ends with 41, which shows that it loads.
code=0
env -i build/mediasoup-worker >/dev/null 2>&1 || code=$?
[ "$code" = 41 ] || { echo "the worker that was built does not run (exit code $code)" >&2; exit 1; }

# Renamed into place, so that nobody ever sees half a binary.
mkdir -p "$(dirname "$output")"
install -m 755 build/mediasoup-worker "$output.part"
mv "$output.part" "$output"
rm -rf "$work"
