# Sourced by update and rollback. The working directory is the one of compose.yaml.

# In the order in which they are replaced: who nobody is connected to comes first.
nodes=(janitor-1 janitor-2 pairing-1 pairing-2 gateway-1 gateway-2 gateway-3)

DEPLOY_WAIT=${DEPLOY_WAIT:-60}
DEPLOY_SETTLE=${DEPLOY_SETTLE:-30}
# What of the people who were connected must be there again before the next gateway goes, in percent. Some
# leave in any minute.
BACK_PERCENT=90

# Beside .env, and like it not in the repository.
state=.deploy
compose=${DEPLOY_COMPOSE:-docker compose}

say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }

# Only one update at a time.
lock() {
    mkdir -p "$state"
    exec 9>"$state/lock"
    flock --nonblock 9 || { say "Another update is under way." >&2 && exit 1; }
}

# The image that nodes run: the one of the first that runs.
current_image() {
    local node id
    for node in "${nodes[@]}"; do
        id=$($compose ps --quiet "$node" 2>/dev/null)
        if [ -n "$id" ]; then docker inspect --format '{{.Config.Image}}' "$id" && return; fi
    done
    say "No node runs here: docker compose up --wait" >&2
    exit 1
}

previous_image() { cat "$state/previous" 2>/dev/null || true; }

# What `docker compose up` starts from now on, and what deploy/rollback goes back to.
remember() {
    touch .env
    sed -i '/^CHAT_IMAGE=/d' .env
    printf 'CHAT_IMAGE=%s\n' "$1" >>.env
    printf '%s\n' "$2" >"$state/previous"
}

# Before anything is stopped.
fetch() {
    docker image inspect "$1" >/dev/null 2>&1 || docker pull "$1"
}

# step NODE IMAGE: replaces one node, and checks. Not with `set -e`: the caller decides.
step() {
    local node=$1 image=$2 people errors
    look
    # Without those of the node that goes: its counters begin at 0 again.
    people=$(connected) errors=$(misunderstandings "$node")
    say "$node: stopping the old one, starting the new one ($people people are connected)."
    if ! CHAT_IMAGE=$image $compose up --detach --no-deps --no-build --wait --wait-timeout "$DEPLOY_WAIT" "$node"; then
        say "$node has not become ready."
        return 1
    fi
    look
    all_ready || return 1
    await_people "$people" || return 1
    all_ready || return 1
    if [ "$(misunderstandings)" -gt "$errors" ]; then
        say "The nodes do not understand each other."
        return 1
    fi
}

# Which container each service is now, to be asked again after one was replaced.
look() {
    # shellcheck disable=SC2046
    containers=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}}' $($compose ps --quiet))
}

id_of() { awk -v service="$1" '$1 == service { print $2 }' <<<"$containers"; }

# Waits until enough people are connected.
await_people() {
    local wanted=$(($1 * BACK_PERCENT / 100)) now second
    for ((second = 0; second < DEPLOY_SETTLE; second++)); do
        now=$(connected)
        if [ "$now" -ge "$wanted" ]; then return; fi
        sleep 1
    done
    say "Only $now of $1 people are connected."
    return 1
}

# Asked of the engine and of the nodes themselves, which have to say it: a container that starts again and
# again is "up" to Compose.
all_ready() {
    local node
    for node in "${nodes[@]}"; do
        if ! is_ready "$node"; then
            say "$node is not ready."
            return 1
        fi
    done
}

is_ready() {
    local id
    id=$(id_of "$1")
    [ -n "$id" ] &&
        [ "$(docker inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$id")" = "running healthy" ] &&
        [ "$(docker exec "$id" /cipher-chat probe 2>/dev/null)" = ready ]
}

# How many people are connected to all gateways that answer.
connected() {
    local node
    for node in "${nodes[@]}"; do
        if [[ $node == gateway-* ]]; then metrics "$node" gateway_connections_opened_total gateway_connections_closed_total; fi
    done | awk '/_opened_total/ { sum += $NF } /_closed_total/ { sum -= $NF } END { printf "%d\n", sum }'
}

# misunderstandings [WITHOUT]: what nodes of two versions would say of each other's messages, and NATS of
# what they may not do; over all nodes that answer, except one.
misunderstandings() {
    local node
    for node in "${nodes[@]}"; do
        if [ "$node" != "${1:-}" ]; then
            metrics "$node" bus_undecodable_total bus_wrong_speaker_total bus_server_errors_total
        fi
    done | awk '{ sum += $NF } END { printf "%d\n", sum }'
}

# metrics NODE NAME...: a line for each series. Nothing of a node that does not answer.
metrics() {
    local id name names=()
    id=$(id_of "$1")
    shift
    for name in "$@"; do names+=(--metric "cipher_chat_$name"); done
    [ -n "$id" ] && docker exec "$id" /cipher-chat probe "${names[@]}" 2>/dev/null || true
}

# go_back IMAGE NODE...: what can be done is done, and what cannot is said.
go_back() {
    local image=$1 node
    shift
    for node in "$@"; do
        step "$node" "$image" || say "$node COULD NOT BE BROUGHT BACK: look at it now."
    done
}
