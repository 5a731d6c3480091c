# Sourced. Runs checks one after the other, tells how each ended and how long it took, and sums up.

results=()

# What failed, told again at the end, where the reader of a long log looks first.
told=$(mktemp)
trap 'rm -f "$told"' EXIT

# How many lines of a failed check are told again at the end, and how long each may be.
told_lines=14
told_columns=180

# How long a check may take, in seconds: about twice the longest on two processors. One that hangs
# fails, and the others are still made. 0: for ever, and with the terminal to ask somebody.
check_limit=${check_limit:-1800}

# check NAME COMMAND...: runs a command (or a function, which stops at its first failure) and notes
# how it ended.
check() {
    local name=$1 start=$SECONDS failed=0 output='' pipe tee
    shift
    printf '\n== %s\n' "$name"
    # Not as a condition of `if`: there, bash would go on after a failure inside a function.
    set +e
    if [ "$check_limit" -eq 0 ]; then
        (
            set -e
            "$@"
        )
        failed=$?
    else
        output=$(mktemp)
        exec {pipe}> >(exec tee "$output")
        tee=$!
        limited "$@" >&"$pipe" 2>&1 {pipe}>&-
        failed=$?
        exec {pipe}>&-
        # Not for ever: something that the check left behind may hold the pipe.
        timeout 5 tail --sleep-interval=0.1 --pid="$tee" -f /dev/null
    fi
    set -e
    if [ "$failed" -eq 0 ]; then
        note passed "$name" "in $((SECONDS - start)) s"
        if [ -n "$output" ]; then tell_unstable "$name" "$output"; fi
    else
        note FAILED "$name" "after $((SECONDS - start)) s"
        if [ -n "$output" ]; then tell_again "$name" "$output"; fi
    fi
    rm -f "$output"
}

# tell_again NAME OUTPUT: keeps the lines of a check's output that say what failed, or its last ones.
tell_again() {
    local said
    said=$(grep -aE '^ *(✖|FAIL|TIMEOUT|SIG[A-Z]+|FAILED|error(:|\[)|test at |thread .* panicked|not ok)|(Assertion|Timeout)?Error( \[|:)' "$2" \
        | awk '!seen[$0]++' | tail -n "$told_lines") || true
    if [ -z "$said" ]; then said=$(tail -n "$told_lines" "$2"); fi
    printf '%s:\n%s\n' "$1" "$(cut -c "1-$told_columns" <<<"$said" | sed 's/^/    /')" >>"$told"
}

# tell_unstable NAME OUTPUT: keeps what a check that has passed says of what failed the first time.
tell_unstable() {
    local said
    said=$(grep -aE '^(UNSTABLE| +FLAKY )' "$2" | awk '!seen[$0]++' | head -n "$told_lines") || return 0
    printf '%s (passed):\n%s\n' "$1" "$(cut -c "1-$told_columns" <<<"$said" | sed 's/^/    /')" >>"$told"
}

# limited COMMAND...: runs a command in a process group of its own, all of which is ended at the limit.
limited() {
    local running watching
    set -m
    (
        set -e
        "$@"
    ) </dev/null &
    running=$!
    (
        trap 'kill $!' TERM
        sleep "$check_limit" &
        wait $! && echo "ended after $check_limit s" && kill -KILL -- "-$running"
    ) &
    watching=$!
    set +m
    trap 'kill -TERM -- "-$running"; exit 130' INT TERM
    # Bash tells of what was killed.
    wait "$running" 2>/dev/null
    local ended=$?
    trap - INT TERM
    kill -TERM "$watching" 2>/dev/null
    wait "$watching" 2>/dev/null
    return "$ended"
}

# leave_out NAME WHY: notes a part of the tests that cannot be run here. Where nothing may be left
# out (strict=yes), that is a failure.
leave_out() {
    if [ "${strict:-no}" = yes ]; then note FAILED "$1" "$2"; else note SKIPPED "$1" "$2"; fi
}

# skip NAME WHY: notes a check that may be missing.
skip() {
    note SKIPPED "$1" "$2"
}

note() {
    printf -- '-- %s: %s %s\n' "$2" "$1" "$3"
    results+=("$1|$2|$3")
}

count_of() {
    local count=0 result
    for result in "${results[@]}"; do
        if [[ $result == "$1|"* ]]; then count=$((count + 1)); fi
    done
    echo "$count"
}

# Shows all results and ends with the line `checks: N passed, N failed, N skipped`. Fails if a check
# has failed, or if none was made.
sum_up() {
    local result state name rest passed failed
    printf '\n== All checks, %d min %02d s\n' $((SECONDS / 60)) $((SECONDS % 60))
    for result in "${results[@]}"; do
        IFS='|' read -r state name rest <<<"$result"
        printf '%-8s %-45s %s\n' "$state" "$name" "$rest"
    done
    if [ -s "$told" ]; then
        printf '\n== What failed, or failed the first time\n'
        cat "$told"
    fi
    passed=$(count_of passed) failed=$(count_of FAILED)
    printf '\nchecks: %d passed, %d failed, %d skipped\n' "$passed" "$failed" "$(count_of SKIPPED)"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
