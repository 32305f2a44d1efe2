#!/usr/bin/env bash
# Breaks code on purpose, one place after another, to see whether a test notices: with cargo-mutants
# (`cargo install cargo-mutants`), of the crates or services that are named, or of all that
# .cargo/mutants.toml is about. Whatever follows `--` goes to cargo-mutants.
#
# A service takes a minute to build, for each mutant: so in a copy of the tree it is cut down to its domain,
# which needs no database. The ledger's tests against PostgreSQL take a minute, too: they are for what its unit
# tests have not noticed. What is left is in target/mutants/NAME/mutants.out/missed.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

names=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    names+=("$1")
    shift
done
[ $# -eq 0 ] || shift
[ ${#names[@]} -gt 0 ] || names=(workflow ledger versioning audit gateway metrics)

out=$PWD/target/mutants
tree=$out/tree
export CARGO_TARGET_DIR=$out/target CARGO_PROFILE_DEV_DEBUG=0

# The tree as it is now, whether committed or not.
rm -rf "$tree"
mkdir -p "$tree"
git ls-files --cached --others --exclude-standard -z |
    while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
    tar --create --null --files-from - | tar --extract --directory "$tree"
cd "$tree"

# Leaves nothing of a service but its domain.
cut_down() {
    local src=services/$1/src
    find "$src" -mindepth 1 -maxdepth 1 ! -name domain -exec rm -r {} +
    printf '#![allow(unused)]\npub mod domain;\n' >"$src/lib.rs"
    if [ "$1" = gateway ]; then
        # The service says so in its store, which is not there.
        printf '%s\n' 'impl From<sqlx::Error> for domain::error::Error {' \
            '    fn from(_: sqlx::Error) -> Self { std::process::abort() }' '}' >>"$src/lib.rs"
    fi
}

# Tries the mutants of a crate; what is told beside the name goes to cargo-mutants.
try() {
    local name=$1
    shift
    # Exit codes 2 and 3: some were missed, or a test hung, and are listed.
    cargo mutants --in-place --package "signoff-$name" --output "$out/$name" "$@" ||
        case $? in 2 | 3) ;; *) exit 1 ;; esac
}

for name in "${names[@]}"; do
    echo "== $name"
    lists=$out/$name/mutants.out
    mkdir -p "$out/$name"
    if [ -d "services/$name" ]; then
        cut_down "$name"
        try "$name" -C=--lib "$@"
    elif [ "$name" = ledger ]; then
        try "$name" -C=--lib "$@"
        # What has hung once is not waited for again.
        cp "$lists/timeout.txt" "$lists/previously_caught.txt"
        if [ -s "$lists/missed.txt" ]; then
            echo "== $name: what its unit tests have missed"
            try "$name" --iterate "$@"
            for list in caught timeout; do cat "$lists.old/$list.txt" >>"$lists/$list.txt"; done
        fi
    else
        try "$name" "$@"
    fi
done

# A test that hangs has noticed something; where nothing was tried, nothing is known.
failed=0
for name in "${names[@]}"; do
    lists=$out/$name/mutants.out
    caught=$(wc -l <"$lists/caught.txt")
    hung=$(wc -l <"$lists/timeout.txt")
    missed=$(wc -l <"$lists/missed.txt")
    echo "$name: $caught caught, $hung hung, $missed missed"
    [ "$missed" -eq 0 ] || failed=1
    if [ $((caught + hung + missed)) -eq 0 ]; then
        echo "$name: nothing was tried; .cargo/mutants.toml says where anything is broken" >&2
        failed=1
    fi
done
exit "$failed"
