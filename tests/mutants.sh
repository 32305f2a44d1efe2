#!/usr/bin/env bash
# Breaks code on purpose, one place after another, to see whether a test notices: with cargo-mutants
# (`cargo install cargo-mutants`), of the crates or services that are named, or of all that
# .cargo/mutants.toml is about. Whatever follows `--` goes to cargo-mutants.
#
# A service's whole crate takes a minute to build, for each mutant: so its domain, which needs no database,
# is tried in a crate of its own, in a copy of the tree. What is left is in target/mutants/NAME/mutants.out/missed.txt.
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

# Makes a crate of a service's domain: `domain-NAME`, with the service's dependencies.
extract() {
    local crate=domains/$1
    mkdir -p "$crate/src"
    mv "services/$1/src/domain" "$crate/src/domain"
    sed -e "s/^name = .*/name = \"domain-$1\"/" -e '/^\[lints\]/,/^$/d' "services/$1/Cargo.toml" >"$crate/Cargo.toml"
    printf '#![allow(unused)]\npub mod domain;\n' >"$crate/src/lib.rs"
    if [ "$1" = gateway ]; then
        # The service says so in its store, which is not there.
        printf '%s\n' 'impl From<sqlx::Error> for domain::error::Error {' \
            '    fn from(_: sqlx::Error) -> Self { std::process::abort() }' '}' >>"$crate/src/lib.rs"
    fi
    sed -i "s|^members = \[|members = [\"$crate\", |" Cargo.toml
}

# Tries the mutants of files of a crate.
try() {
    local name=$1 crate=$2 files=$3
    shift 3
    echo "== $name"
    mkdir -p "$out/$name"
    # Exit code 2: some were missed, and are listed.
    cargo mutants --in-place --package "$crate" --file "$files" --output "$out/$name" "$@" || [ $? -eq 2 ]
}

for name in "${names[@]}"; do
    case $name in
    workflow | ledger) try "$name" "signoff-$name" "shared/$name/src/**" "$@" ;;
    *)
        extract "$name"
        try "$name" "domain-$name" "domains/$name/src/domain/**" "$@" -- --lib
        ;;
    esac
done

missed=0
for name in "${names[@]}"; do
    many=$(wc -l <"$out/$name/mutants.out/missed.txt")
    echo "$name: $(wc -l <"$out/$name/mutants.out/caught.txt") caught, $many missed"
    missed=$((missed + many))
done
[ "$missed" -eq 0 ]
