#!/usr/bin/env bash
# Breaks code on purpose, one place after another, to see whether a test notices: with cargo-mutants
# (`cargo install cargo-mutants`), of the crates or services that are named, or of all that
# .cargo/mutants.toml is about. Whatever follows `--` goes to cargo-mutants.
#
# A service takes a minute to build, for each mutant: so in a copy of the tree it is cut down to its domain,
# which needs no database. What is left is in target/mutants/NAME/mutants.out/missed.txt.
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

for name in "${names[@]}"; do
    echo "== $name"
    mkdir -p "$out/$name"
    only=()
    if [ -d "services/$name" ]; then
        cut_down "$name"
        only=(-- --lib)
    fi
    # Exit codes 2 and 3: some were missed, or ran for ever, and are listed.
    cargo mutants --in-place --package "signoff-$name" --output "$out/$name" "$@" "${only[@]}" ||
        case $? in 2 | 3) ;; *) exit 1 ;; esac
done

missed=0
for name in "${names[@]}"; do
    many=$(wc -l <"$out/$name/mutants.out/missed.txt")
    echo "$name: $(wc -l <"$out/$name/mutants.out/caught.txt") caught, $many missed"
    missed=$((missed + many))
done
[ "$missed" -eq 0 ]
