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
    sed -i '/^CIPHER_CHAT_IMAGE=/d' .env
    printf 'CIPHER_CHAT_IMAGE=%s\n' "$1" >>.env
    printf '%s\n' "$2" >"$state/previous"
}

# Before anything is stopped.
fetch() {
    docker image inspect "$1" >/dev/null 2>&1 || docker pull "$1"
}

# step NODE IMAGE: replaces one node, and checks. Not with `set -e`: the caller decides.
step() {
    local node=$1 image=$2 people errors
    people=$(connected) errors=$(misunderstandings)
    say "$node: stopping the old one, starting the new one ($people people are connected)."
    if ! CIPHER_CHAT_IMAGE=$image $compose up --detach --no-deps --no-build --wait --wait-timeout "$DEPLOY_WAIT" "$node"; then
        say "$node has not become ready."
        return 1
    fi
    await_people "$people" || return 1
    all_ready || return 1
    # Counters of the node that was replaced begin at 0 again.
    if [ "$(misunderstandings)" -gt "$errors" ]; then
        say "The nodes do not understand each other."
        return 1
    fi
}

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

all_ready() {
    local node
    for node in "${nodes[@]}"; do
        if ! $compose exec -T "$node" /cipher-chat probe >/dev/null; then
            say "$node is not ready."
            return 1
        fi
    done
}

# How many people are connected to all gateways.
connected() {
    echo $(($(metric_sum cipher_chat_gateway_connections_opened_total) - $(metric_sum cipher_chat_gateway_connections_closed_total)))
}

# What nodes of two versions would say of each other's messages, and NATS of what they may not do.
misunderstandings() {
    echo $(($(metric_sum cipher_chat_bus_undecodable_total) + $(metric_sum cipher_chat_bus_wrong_speaker_total) +
        $(metric_sum cipher_chat_bus_server_errors_total)))
}

# metric_sum NAME: of all series of a metric, over all nodes that answer.
metric_sum() {
    local node
    for node in "${nodes[@]}"; do
        $compose exec -T "$node" /cipher-chat probe --metric "$1" 2>/dev/null || true
    done | awk '{ sum += $NF } END { printf "%d\n", sum }'
}

# go_back IMAGE NODE...: what can be done is done, and what cannot is said.
go_back() {
    local image=$1 node
    shift
    for node in "$@"; do
        step "$node" "$image" || say "$node COULD NOT BE BROUGHT BACK: look at it now."
    done
}
