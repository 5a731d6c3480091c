# Sourced, after needs.sh and checks.sh. What tools say of the code without running it.

run_lints() {
    if cargo fmt --version >/dev/null 2>&1; then
        check "formatting" cargo fmt --all --check
    else
        skip "formatting" "RUSTFMT IS MISSING: rustup component add rustfmt"
    fi
    if cargo clippy --version >/dev/null 2>&1; then
        # With the benchmarks, for which a feature opens private parts.
        check "clippy" cargo clippy --workspace --all-targets --features gateway/bench,cipher-chat/traces --locked -- -D warnings
        # As a newcomer builds it: without traces.
        check "clippy, without features" cargo clippy --package cipher-chat --all-targets --locked -- -D warnings
    else
        skip "clippy" "CLIPPY IS MISSING: rustup component add clippy"
    fi
    check "oldest compiler of the dependencies" tests/msrv
    check "the list of parts of a release" python3 .ci/release/linked_test.py
    if has cargo-deny; then
        check "cargo deny: bans, licences, sources" cargo deny --locked check bans licenses sources
        check_advisories
    else
        leave_out "cargo deny" "MISSING: cargo-deny"
    fi
    with go "workflows" env -C tests/tools go tool actionlint "$PWD"/.github/workflows/*.yml
    with zizmor "workflows, as an attacker reads them" zizmor --offline --quiet .github
    with shellcheck "shell scripts" check_scripts
    with hadolint "the image's recipe" hadolint Dockerfile
    with compose "compose files" check_compose_files
}

# with TOOL NAME COMMAND...: a check that needs a tool.
with() {
    local tool=$1 name=$2
    shift 2
    if has "$tool"; then check "$name" "$@"; else leave_out "$name" "MISSING: $tool"; fi
}

# All that a shell runs, and what these source.
check_scripts() {
    local scripts
    mapfile -t scripts < <(git grep -lE '^#!.*\b(ba)?sh\b')
    shellcheck --external-sources "${scripts[@]}"
}

# That each can be read, with every profile: no engine is needed for it.
check_compose_files() {
    local file compose=("$venv"/lib/python3*/site-packages/compose/docker-compose)
    if [ ! -x "${compose[0]}" ]; then compose=(docker compose); fi
    for file in $(git ls-files | grep -E '(^|/)compose\.yaml$'); do
        "${compose[@]}" --file "$file" --profile '*' config --quiet || return 1
    done
}

# Against the RustSec database: the newest, or if that cannot be fetched the one that an earlier run
# has left.
check_advisories() {
    local name="cargo deny: advisories" log
    log=$(mktemp)
    if cargo deny --locked check advisories >"$log" 2>&1; then
        check "$name" cat "$log"
    elif ! grep -q 'failed to fetch advisory database' "$log"; then
        check "$name" shown_as_failed "$log"
    elif compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/*/crates" >/dev/null; then
        echo "The advisory database cannot be fetched: an older one is used."
        check "$name" cargo deny --locked --offline check advisories
    else
        skip "$name" "ADVISORIES NOT CHECKED: no database"
    fi
    rm "$log"
}

shown_as_failed() {
    cat "$1"
    false
}
