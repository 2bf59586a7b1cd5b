// mediasoup's meson.build wants a static library object from every subproject, but all code is in Debian's libraries.
// build.sh puts this file into each shim.
typedef int livedub_empty_translation_unit;
