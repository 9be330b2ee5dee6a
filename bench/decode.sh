#!/bin/sh
# decode.sh - what `autoglm generate` adds to llama.cpp's own decoding, in CPU time. AGLM_MODEL names a GGUF file.
set -eu
root=${AGLM_SOURCE_ROOT:-$(dirname "$0")/..}
[ -n "${AGLM_MODEL:-}" ] || { echo "decode: AGLM_MODEL names no GGUF file"; exit 77; }
[ -x "$root/build/bench/decode" ] || { echo "decode: built without llama.cpp (./dev setup)"; exit 77; }
AGLM_LLAMA=${AGLM_LLAMA:-$root/build/autoglm-llama} exec "$root/build/bench/decode" "$AGLM_MODEL" 15
