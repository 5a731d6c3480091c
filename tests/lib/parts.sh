# Sourced, after needs.sh and checks.sh. What is done in each part of the tests.

# run_part PART: makes the checks of a part, or says which of its needs are missing.
run_part() {
    local missing
    # shellcheck disable=SC2046
    mapfile -t missing < <(lacking $(needs_of "$1"))
    if [ ${#missing[@]} -gt 0 ]; then
        leave_out "$1" "MISSING: $(listed "${missing[@]}")"
        return
    fi
    "part_$1"
}

part_rust() {
    local proxy filter="not ($(terminal_tests)) and not ($(operations_tests))" without_servers=()
    local skipped=(--skip integration::operations::)
    if ! has faketime; then
        filter+=" and not test(/^chaos::clocks::/)" skipped+=(--skip chaos::clocks::)
        leave_out "nodes with wrong clocks" "MISSING: faketime"
    fi
    for proxy in nginx-stream haproxy; do
        if ! has "$proxy"; then
            filter+=" and not test(/^integration::proxies::${proxy%-stream}_/)"
            skipped+=(--skip "integration::proxies::${proxy%-stream}_")
            leave_out "the PROXY protocol of $proxy" "MISSING: $proxy"
        fi
    done
    if has go; then
        # Once, before tests that use it are timed out.
        check "the command-line tool of NATS" env -C tests/tools go build -o /dev/null github.com/nats-io/natscli/nats
    else
        filter+=" and not test(/^integration::nats_command::/)"
        skipped+=(--skip integration::nats_command::)
        leave_out "the tools of NATS" "MISSING: go"
    fi
    if ! has nats-server; then
        filter+=" and not (binary_id(cipher-chat::integration) or binary_id(bus::suite))"
        without_servers=(--exclude cipher-chat --exclude bus)
        leave_out "real servers" "MISSING: nats-server"
    fi
    if ! has nginx; then
        filter+=" and not test(/^integration::nginx::/)" skipped+=(--skip integration::nginx::)
        leave_out "through Nginx" "MISSING: nginx"
    fi
    if has cargo-nextest; then
        check "everything in Rust" cargo nextest run --workspace --features cipher-chat/traces --locked --no-fail-fast --filterset "$filter"
    else
        check "everything in Rust" cargo test --workspace --features cipher-chat/traces --locked --lib --bins --tests --exclude terminal \
            "${without_servers[@]}" -- --skip terminal:: "${skipped[@]}"
    fi
    check "freed memory is wiped, as it is shipped" cargo test --package wipe --profile dist --locked --quiet
}

# What needs Prometheus.
operations_tests() {
    echo "binary_id(cipher-chat::integration) and test(/^integration::operations::/)"
}

part_operations() {
    check "alarms" promtool test rules tests/operations/alerts.yml
    check "who is told of alarms" amtool check-config operations/alertmanager.yml
    check "the search for what names somebody" python3 tests/operations/search_test.py
    check "how tests in Python ask nodes" python3 tests/lib/ops_test.py
    if has cargo-nextest; then
        check "Prometheus on a cluster" cargo nextest run --workspace --features cipher-chat/traces --locked --no-fail-fast --filterset "$(operations_tests)"
    else
        check "Prometheus on a cluster" cargo test --workspace --features cipher-chat/traces --locked --test integration integration::operations::
    fi
}

# Those of the client's crate, and those in a real terminal.
terminal_tests() {
    echo "package(terminal) or (binary_id(cipher-chat::integration) and test(/^terminal::/))"
}

part_terminal() {
    if ! has nats-server; then
        leave_out "terminal" "MISSING: nats-server"
    elif has cargo-nextest; then
        check "the terminal client" cargo nextest run --workspace --features cipher-chat/traces --locked --no-fail-fast --filterset "$(terminal_tests)"
    else
        check "the terminal client" cargo test --locked --package terminal
        check "the terminal client in a terminal" cargo test --workspace --features cipher-chat/traces --locked --test integration terminal::
    fi
}

# The memory of another process is not to be read everywhere: then this is left out, and that is no failure.
part_forgetting() {
    check "what is judged of memory" python3 tests/forgetting/judge_test.py
    local why ended=0
    why=$(as_root tests/forgetting/run --able) || ended=$?
    if [ "$ended" -eq 77 ]; then
        skip "what processes forget" "LEFT OUT: ${why^^}"
        return
    fi
    local missing
    # shellcheck disable=SC2046
    mapfile -t missing < <(lacking $(wants_of forgetting))
    if [ ${#missing[@]} -gt 0 ]; then
        leave_out "what processes forget" "MISSING: $(listed "${missing[@]}")"
        return
    fi
    check "what processes forget" processes_forget
}

processes_forget() {
    # Of the whole workspace, as the tests were: with the same features there is nothing to compile
    # again.
    cargo build --workspace --features cipher-chat/traces --locked --quiet --bin cipher-chat
    local ended=0
    as_root tests/forgetting/run || ended=$?
    # What was found once is a leak, also if it is not there a second time. Only where it was not looked
    # for to the end, and nothing had been found until then, is there a second run.
    if [ "$ended" -eq 75 ]; then
        echo "NOT MEASURED. ONCE MORE:"
        ended=0
        as_root tests/forgetting/run || ended=$?
    fi
    return "$ended"
}

part_docs() {
    check "links in the documentation" tests/docs/links
    check "the check of links" python3 tests/docs/links_test.py
    check "tests that documents name" tests/docs/traces
    check "the check of such names" python3 tests/docs/traces_test.py
    check "parts that workflows run" tests/docs/workflows
    check "the check of workflows" python3 tests/docs/workflows_test.py
    versions_named
    check "the check of versions" python3 tests/docs/versions_test.py
    check "the report of a run" python3 tests/docs/report_test.py
    check "what remains in memory, as it is told" tests/forgetting/remains.py
    check "mutations that still apply" tests/mutations --apply
    check "translations" tests/docs/translations
    check "the check of translations" python3 tests/docs/translations_test.py
    check "examples in the documentation" cargo test --workspace --locked --doc --quiet
    check "cargo doc" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
}

# Which versions there are, only the whole history tells: in a shallow clone this is left out.
versions_named() {
    local why ended=0
    why=$(tests/docs/versions --able) || ended=$?
    if [ "$ended" -eq 77 ]; then
        skip "versions that documents name" "NOT CHECKED: ${why^^}"
    else
        check "versions that documents name" tests/docs/versions
    fi
}

part_page() {
    check "types of the page" npm --prefix tests/browser run --silent types
    check "modules of the page" npm --prefix tests/browser run --silent unit
    check "the page in a browser" page_in_a_browser
}

page_in_a_browser() {
    # Of the whole workspace, as the tests were: with the same features there is nothing to compile
    # again.
    cargo build --workspace --features cipher-chat/traces --locked --quiet --bin cipher-chat --example echo
    NATS_SERVER=$venv/bin/nats-server npm --prefix tests/browser run --silent page
}

part_sdk() {
    check "the package for programs" the_sdk
}

the_sdk() {
    cargo build --workspace --features cipher-chat/traces --locked --quiet --bin cipher-chat --example echo
    npm --prefix tests/browser run --silent sdk
}

part_browsers() {
    if ! has firefox; then
        leave_out "Firefox" "MISSING: firefox"
    elif ! has geckodriver; then
        leave_out "Firefox" "MISSING: geckodriver"
    else
        # A wheel does not keep that it can be run.
        chmod -f +x "$(geckodriver_path)" || true
        check "the page in Firefox" page_in firefox
    fi
    if ! has webkit; then
        leave_out "WebKit" "MISSING: webkit"
    else
        check "the page in WebKit" page_in webkit
    fi
}

page_in() {
    cargo build --workspace --features cipher-chat/traces --locked --quiet --bin cipher-chat --example echo
    GECKODRIVER=$(geckodriver_path) npm --prefix tests/browser run --silent "$1"
}

part_autobahn() {
    check "Autobahn cases" tests/autobahn/run
}

part_instructions() {
    check "instructions per frame" tests/instructions/run
}

part_peers() {
    check "the sums of the comparison" python3 tests/peers/peers_test.py
    check "other systems, for a second each" other_systems
}

other_systems() {
    # Of the whole workspace, as the tests were: with the same features there is nothing to compile
    # again.
    cargo build --workspace --features cipher-chat/traces --locked --quiet --bin cipher-chat
    CIPHER_CHAT=$PWD/target/debug/cipher-chat tests/peers/run --smoke
}

part_storm() {
    check "the sums of a storm" python3 tests/storm/storm_test.py
    check "a storm, in short" a_short_storm
}

a_short_storm() {
    # Of the whole workspace, as the tests were: with the same features there is nothing to compile
    # again.
    cargo build --workspace --features cipher-chat/traces --locked --quiet --bin cipher-chat --bin lean
    tests/storm/run --short --lean target/debug/lean target/debug/cipher-chat
}

part_fuzz() {
    local target
    check "fuzz targets build" tests/fuzz build
    for target in $(tests/fuzz list); do
        check "fuzzing $target" tests/fuzz run "$target" "${FUZZ_SECONDS:-10}"
    done
}

# A Docker engine cannot be had everywhere: then this is left out, and that is no failure.
part_cluster() {
    local why ended=0
    why=$(tests/cluster/run --engine) || ended=$?
    if [ "$ended" -eq 77 ]; then
        skip "the cluster in containers" "LEFT OUT: ${why^^}"
        return
    fi
    local missing
    # shellcheck disable=SC2046
    mapfile -t missing < <(lacking $(wants_of cluster))
    if [ ${#missing[@]} -gt 0 ]; then
        leave_out "the cluster in containers" "MISSING: $(listed "${missing[@]}")"
        return
    fi
    check "a static binary" static_binary
    check "the cluster in containers" tests/cluster/run "$(static_path)"
}

# Namespaces need root, and a kernel that gives them: where there are none, this is left out, and that is no
# failure.
part_lab() {
    local why ended=0
    why=$(as_root tests/lab/run --able) || ended=$?
    if [ "$ended" -eq 77 ]; then
        skip "the lab" "LEFT OUT: ${why^^}"
        return
    fi
    local missing
    # shellcheck disable=SC2046
    mapfile -t missing < <(lacking $(wants_of lab))
    if [ ${#missing[@]} -gt 0 ]; then
        leave_out "the lab" "MISSING: $(listed "${missing[@]}")"
        return
    fi
    check "the lab's own sums" python3 tests/lab/lab_test.py
    check "the lab, in short" the_lab --minutes 2 short
}

the_lab() {
    # Of the whole workspace, as the tests were: with the same features there is nothing to compile
    # again.
    cargo build --workspace --features cipher-chat/traces --locked --quiet --bin cipher-chat --bin people
    as_root tests/lab/run "$@"
}

# As root, where that needs no password; otherwise as who one is.
as_root() {
    if [ "$(id -u)" -ne 0 ] && sudo -n true 2>/dev/null; then
        sudo -n --preserve-env=NATS_SERVER,NGINX "$@"
    else
        "$@"
    fi
}

# As .ci/release/build makes it, but faster to build.
static_binary() {
    RUSTFLAGS="-C target-feature=+crt-static" cargo build --features traces --locked --quiet --target "$(host_triple)" --bin cipher-chat
}

# In the profile of what is shipped, but linked dynamically.
dist_binary() {
    cargo build --profile dist --features traces --locked --quiet --bin cipher-chat
}

static_path() {
    echo "target/$(host_triple)/debug/cipher-chat"
}

host_triple() {
    rustc -vV | sed -n 's/^host: //p'
}
