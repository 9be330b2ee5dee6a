# shellcheck shell=sh
# demo.sh - the main job on data that every Debian or Ubuntu machine has. Sourced by ./dev.

# One line a package: its section (without "contrib/" and the like) and its description's first line.
# Sections of fewer than 20 packages are left out; a description that stands twice is taken once.
packages_tsv() {
    apt_lists_are_there || apt_update
    apt-cache dumpavail | LC_ALL=C awk '
        function flush() {
            sub(/^.*\//, "", section)
            gsub(/\t/, " ", text)
            if (section != "" && text != "" && !seen[section, text]++) {
                count[section]++
                row[++n] = section "\t" text
            }
            section = text = ""
        }
        /^Section: /              { section = substr($0, 10) }
        /^Description(-en)?: /    { text = $0; sub(/^[^:]*: /, "", text) }
        /^$/                      { flush() }
        END {
            flush()
            print "section\tdescription"
            for (i = 1; i <= n; i++) {
                split(row[i], part, "\t")
                if (count[part[1]] >= 20)
                    print row[i]
            }
        }'
}

# _demo/packages.tsv, made once.
demo_data() {
    mkdir -p _demo
    if [ ! -s _demo/packages.tsv ]; then
        say "making a data set out of apt-cache dumpavail"
        packages_tsv >_demo/packages.tsv.part
        [ "$(wc -l <_demo/packages.tsv.part)" -gt 1000 ] ||
            die "apt-cache dumpavail names too few packages; run apt-get update and try again"
        mv _demo/packages.tsv.part _demo/packages.tsv
    fi
    awk -F '\t' 'NR > 1 && !seen[$1]++ { labels++ } END {
        printf "dev: _demo/packages.tsv: %d packages in %d sections\n", NR - 1, labels }' _demo/packages.tsv
}

show() {
    echo "\$ $*"
    "$@"
}

# demo_text [BUDGET]: tunes for a minute (or BUDGET) and classifies three lines.
demo_text() {
    demo_data
    rm -rf _demo/bundle _demo/bundle.study.db*
    show build/autoglm tune _demo/packages.tsv --label section --text description \
        --budget "${1:-60s}" --out _demo/bundle
    printf '%s\n' \
        'arcade game in which a penguin slides down a mountain' \
        'Python bindings for a fast key-value store' \
        'plot the spectrum of radio signals' >_demo/lines.txt
    echo
    show build/autoglm predict _demo/bundle _demo/lines.txt
}

# demo [PART] [BUDGET]: both parts, text and lm, or one.
verb_demo() {
    parts="text lm"
    case ${1:-} in
    text | lm)
        parts=$1
        shift
        ;;
    esac
    verb_build
    mkdir -p _demo
    for part in $parts; do
        say "demo: $part"
        "demo_$part" "$@"
    done
}
