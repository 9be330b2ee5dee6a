#!/bin/sh
# Wrong files, full disks, interrupts: a clear error, the right code, nothing lost or half-written.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1

tune() {
    code=$1
    shift
    run "$code" "$AUTOGLM" tune "$@" --trials 2 --threads 1 --out x.bundle
    check "no bundle and no half of one" sh -c '! ls -d x.bundle x.bundle.part-* 2>/dev/null'
}

tune 1 absent.tsv
says err 'absent.tsv.*(No such file|no such file)'
: >empty.csv
tune 1 empty.csv
says err 'empty.csv'
printf 'label,text\n' >header.csv
tune 1 header.csv
says err 'header.csv'
printf 'label,text\nspam,one\n' >one.csv
tune 1 one.csv
printf 'label,text\nspam,one\nspam,two\nspam,three\n' >class.csv
tune 1 class.csv --label label --text text
says err 'class.csv|label'
printf 'spam\tone\nham\tone\nspam\tone\n' >same.tsv
tune 1 same.tsv --label 1 --text 2
says err 'all 3 documents have the same text'
printf 'label,text\nspam,one\nham,two\nspam,three\nham,four\n' >four.csv
tune 2 four.csv --label colour
says err 'colour'
printf 'label,text\nspam,"one\nham,two\n' >quote.csv
tune 1 quote.csv
says err 'quote.csv:2'
printf 'label\ttext\nspam\ta\000b\nham\tc\n' >nul.tsv
tune 1 nul.tsv
says err 'nul.tsv:2.*NUL'
printf 'label\ttext\nspam\ta\nham\tc\303(d\nspam\te\nham\tf\n' >bad.tsv
tune 1 bad.tsv --encoding utf-8
says err 'bad.tsv'
awk 'BEGIN { printf "spam\t"; for (i = 0; i < 2600000; i++) printf "0123456789012345678901234567890123456789"; print ""; print "ham\tx" }' >long.tsv
tune 1 long.tsv
says err 'long.tsv:1'
rm -f long.tsv

awk -v n=300 -v seed=3 -f "$AGLM_SOURCE_ROOT/tests/e2e/corpus.awk" >train.tsv
run 0 "$AUTOGLM" tune train.tsv --trials 2 --threads 1 --out good.bundle

# A damaged bundle names the file.
cp -r good.bundle cut.bundle
head -c 200 good.bundle/model-0.bin >cut.bundle/model-0.bin
run 1 "$AUTOGLM" predict cut.bundle train.tsv
says err 'cut.bundle/model-0.bin'
cp -r good.bundle flip.bundle
python3 - <<'END'
b = bytearray(open("flip.bundle/model-0.bin", "rb").read())
b[len(b) // 2] ^= 0x40
open("flip.bundle/model-0.bin", "wb").write(b)
END
run 1 "$AUTOGLM" predict flip.bundle train.tsv
says err 'flip.bundle/model-0.bin'
cp -r good.bundle json.bundle
echo '{"format": "autoglm-bundle", ' >json.bundle/manifest.json
run 1 "$AUTOGLM" predict json.bundle train.tsv
says err 'json.bundle/manifest.json: line 2'
run 1 "$AUTOGLM" predict nowhere.bundle train.tsv
says err 'nowhere.bundle'

# A damaged study is not overwritten.
head -c 1000 /dev/urandom >broken.db
cp broken.db before.db
run 1 "$AUTOGLM" tune train.tsv --trials 2 --storage sqlite:///broken.db --out y.bundle
says err 'broken.db'
check "the file is as it was" cmp broken.db before.db

# What --out names is not lost to a mistake.
mkdir precious && echo data >precious/file
run 2 "$AUTOGLM" tune train.tsv --trials 2 --out precious
check "another folder is left alone" test -f precious/file

# A full disk and a read-only folder.
if [ "$(id -u)" = 0 ] && mkdir -p small && mount -t tmpfs -o size=48k tmpfs small 2>/dev/null; then
    run 1 "$AUTOGLM" tune train.tsv --trials 4 --threads 1 --storage memory --out small/z.bundle
    says err '(No space left|disk|space)'
    check "nothing half-written on the full disk" sh -c '! ls -d small/z.bundle* 2>/dev/null'
    umount small
    mount -t tmpfs -o ro,size=1m tmpfs small
    run 1 "$AUTOGLM" tune train.tsv --trials 2 --threads 1 --out small/z.bundle
    says err 'small/z'
    umount small
else
    skip "a full disk" "needs root and tmpfs"
fi

# Ctrl-C: the finished trials stay, the same command goes on.
"$AUTOGLM" tune train.tsv --trials 4000 --threads 1 --out int.bundle >out 2>err &
pid=$!
sleep 2
kill -INT "$pid"
wait "$pid"
check "Ctrl-C exits with 130" test $? = 130
says err 'the same command goes on'
"$AUTOGLM" study list --storage sqlite:///int.bundle.study.db >before 2>/dev/null
check "finished trials are kept" grep -Eq ' [1-9][0-9]* trials' before
"$AUTOGLM" study trials --storage sqlite:///int.bundle.study.db >trials
check "no trial is left running" sh -c '! grep -q RUNNING trials'

# kill -9: no finished trial is lost.
"$AUTOGLM" tune train.tsv --trials 4000 --threads 1 --out kill.bundle --json-lines >events 2>err &
pid=$!
sleep 2
kill -9 "$pid"
wait "$pid" 2>/dev/null
told=$(grep -c '"state": *"\(COMPLETE\|PRUNED\)"' events)
"$AUTOGLM" study trials --storage sqlite:///kill.bundle.study.db >trials
kept=$(grep -Ec ' (COMPLETE|PRUNED) ' trials)
check "kill -9: $kept trials kept of $told told" test "$kept" -ge "$told" -a "$told" -gt 0
run 0 "$AUTOGLM" tune train.tsv --trials "$((kept + 3))" --threads 1 --out kill.bundle
check "no bundle is half-written" sh -c '! ls -d *.part-* 2>/dev/null'

finish
