//! What the service is: who may use it and how people meet, how long things last, how much of them
//! there may be, and how gateways hold connections.

use std::{marker::PhantomData, path::PathBuf, time::Duration};

use gateway::{
    about::{self, ExitUrl, Shown},
    config::{self, Hsts, Matching, OfferedTopic},
    desk::{self, DeskChats},
    helpers::Helpers,
};
use ipnet::IpNet;
use pairing::FairBy;
use schemas::{Service, lifetimes};

use super::GATEWAYS;
use crate::options::{
    helpers::Hosts,
    role::Role,
    spec::{Group, Optional, Row, Setting, Spec},
    value::{Admission, Bound, Most, Origins, PublicUrl, Rate, Switch},
};

/// The roles that match people.
const PAIRING_NODES: &[Role] = &[Role::Serve, Role::Pairing];
/// The roles that rely on how long tokens are valid.
const TOKEN_NODES: &[Role] = &[Role::Serve, Role::Gateway, Role::Janitor];

table! {
    TRUSTED_PROXY: Vec<IpNet> {
        name: "trusted-proxy", group: Service, roles: GATEWAYS,
        without: "none", example: "10.0.0.0/8",
        help: "Networks of proxies whose X-Forwarded-For header is believed.",
    }
    PROXY_PROTOCOL: Switch {
        name: "proxy-protocol", group: Service, roles: GATEWAYS,
        default: Switch::Off, example: "true",
        help: "Whether the proxies of --trusted-proxy begin each connection with a header of the PROXY \
            protocol, version 1 or 2, which names the client: for proxies that pass TLS through. A \
            connection of such a proxy without the header is refused, and so is a header of anybody \
            else. The option alone means true.",
    }
    ALLOWED_ORIGIN: Origins {
        name: "allowed-origin", group: Service, roles: GATEWAYS,
        without: "none", example: "https://chat.example",
        help: "Web origins, besides this server's own, whose pages may use it. null stands for pages that \
            are opened from files (`cipher-chat page --single-file`), and so for sandboxed frames of \
            any site: --null-session-rate bounds them.",
    }
    FRAME_ANCESTORS: Origins {
        name: "frame-ancestors", group: Service, roles: GATEWAYS,
        without: "none: nobody", example: "https://www.example.org",
        help: "Web origins whose pages may show /embed in a frame. Without it there is no /embed, and \
            nothing else may be framed by anybody.",
    }
    ADMISSION: Admission {
        name: "admission", group: Service, roles: GATEWAYS,
        default: Admission(None), example: "300000",
        help: "What a new session costs whoever opens it: off, or the number of hashes of a proof of \
            work, on average. 300000 take a phone about a second. Where many sessions are opened from \
            one network lately it is up to four times as many.",
    }
    HSTS: Hsts {
        name: "hsts", group: Service, roles: GATEWAYS,
        default: config::HSTS, example: "subdomains",
        help: "What browsers that come over TLS are told for two years (Strict-Transport-Security): \
            host: to come to this host over TLS only; subdomains: to all hosts below it, too; off: \
            nothing.",
    }
    TOPICS: Vec<OfferedTopic> {
        name: "topics", group: Service, roles: GATEWAYS,
        without: "any", example: "music,books",
        help: "Topics that people may choose from.",
    }
    MATCHING: Matching {
        name: "matching", group: Service, roles: GATEWAYS,
        default: config::MATCHING, example: "invite",
        help: "Ways in which people may meet: random (by topic or by chance), invite (by a \
            link), or both.",
    }
    HELPERS: Helpers {
        name: "helpers", group: Service, roles: GATEWAYS,
        default: config::HELPERS, example: "pass",
        help: "Who may offer help to strangers: anyone, or with pass only who has a pass that allows it. \
            With an invite anybody may take any part. pass needs --pass-key.",
    }
    PASS_KEY: PathBuf {
        name: "pass-key", group: Service, roles: GATEWAYS,
        without: "no pass is accepted", example: "passes.pub",
        help: "File of the public halves of the keys (PEM) with which the operator signs the passes of \
            helpers. `cipher-chat pass key` writes one; `cipher-chat pass new` makes passes.",
    }
    PUBLIC_HOST: Hosts {
        name: "public-host", group: Service, roles: GATEWAYS,
        without: "that of --public-url, or else localhost", example: "chat.example",
        help: "Hosts at which helpers open this server, as a browser shows them: with the port unless it \
            is the usual one. A proof of a pass that was made for another host opens nothing here.",
    }
    REVOKED_PASSES: PathBuf {
        name: "revoked-passes", group: Service, roles: GATEWAYS,
        without: "those of `order revoke-passes`", example: "/etc/cipher-chat/revoked-passes",
        help: "File of the signed list of passes that are taken back, as `cipher-chat pass revoke` writes \
            it: read again on SIGHUP and when it changes. It needs --pass-key.",
    }
    OPERATOR_NAME: Shown<{ about::NAME_CHARS }> {
        name: "operator-name", group: Service, roles: GATEWAYS,
        without: "not shown", example: "Anna's Help Line",
        help: "Who runs this server, for the start screen and GET /v1/status: 80 characters at most.",
    }
    OPERATOR_CONTACT: Shown<{ about::CONTACT_CHARS }> {
        name: "operator-contact", group: Service, roles: GATEWAYS,
        without: "not shown", example: "help@example.org",
        help: "How the operator is reached, shown with the name: 200 characters at most.",
    }
    WELCOME: PathBuf {
        name: "welcome", group: Service, roles: GATEWAYS,
        without: "none", example: "/etc/cipher-chat/welcome.txt",
        help: "File of a plain text for the start screen, such as who answers and when: 2000 \
            characters at most, read at start.",
    }
    CONSENT: Shown<{ about::CONSENT_CHARS }> {
        name: "consent", group: Service, roles: GATEWAYS,
        without: "none", example: "I am 16 or older.",
        help: "What a person has to tick on the page before a stranger is looked for: 400 characters \
            at most. The server cannot know who has ticked it.",
    }
    EXIT_URL: ExitUrl {
        name: "exit-url", group: Service, roles: GATEWAYS,
        without: "about:blank", example: "https://www.example.org/weather",
        help: "Where the page goes when a person leaves quickly: an everyday page tells less than an \
            empty one. That site sees the person's address, but not where it came from.",
    }
    SHOW_PRESENCE: Switch {
        name: "show-presence", group: Service, roles: GATEWAYS,
        default: Switch::Off, example: "true",
        help: "Whether the start screen and GET /v1/status tell for each topic whether somebody is \
            there: nobody, few or many. Whoever watches sees when the first one comes and the last one \
            goes. The option alone means true.",
    }
    DESK_CHATS: DeskChats {
        name: "desk-chats", group: Service, roles: GATEWAYS,
        default: desk::CHATS, example: "2",
        help: "How many chats a helper has at once at most on the screen /desk: 1 to 9.",
    }
    ANSWERS: PathBuf {
        name: "answers", group: Service, roles: GATEWAYS,
        without: "none", example: "/etc/cipher-chat/answers.txt",
        help: "File of ready answers that helpers can choose from on the screen /desk: plain text, an \
            answer in each paragraph, 100 of 1000 characters at most, read at start. Anybody can read \
            them there.",
    }
    READY_NEEDS: Vec<Service> {
        name: "ready-needs", group: Service, roles: GATEWAYS,
        without: "none: /readyz says degraded", example: "pairing,janitor",
        help: "Roles without which /readyz of a gateway says 503: pairing, janitor. Without them \
            chats go on, so by default nobody is sent away.",
    }
    FAIR_BY: FairBy {
        name: "fair-by", group: Service, roles: PAIRING_NODES,
        default: FairBy::Origin, example: "age",
        help: "Whose turn it is among strangers: origin (client addresses have turns in \
            rotation, so that nobody meets everybody) or age (whoever has waited longest is \
            first).",
    }
    KEY_ROTATION: Duration {
        name: "key-rotation", group: Lifetimes, roles: TOKEN_NODES,
        default: lifetimes::KEY_ROTATION, example: "2h",
        help: "How long a gateway signs with one key: --token-life or longer, and the same on \
            all nodes.",
    }
    TOKEN_LIFE: Duration {
        name: "token-life", group: Lifetimes, roles: TOKEN_NODES,
        default: lifetimes::TOKEN_LIFE, example: "20m",
        help: "How long a session's token is valid: 2s to 24h, and the same on all nodes. \
            Clients renew it at half of that.",
    }
    GRACE: Duration {
        name: "grace", group: Lifetimes, roles: TOKEN_NODES,
        default: lifetimes::GRACE, example: "2m",
        help: "How long a side of a room may stay away before the room ends: more than 0, less \
            than half of --token-life, and the same on all nodes.",
    }
    SESSION_RATE: Rate {
        name: "session-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.session), example: "100",
        help: "New sessions per client address and minute; of an IPv6 /56 four times as many, of a \
            /48 sixteen times.",
    }
    NULL_SESSION_RATE: Rate {
        name: "null-session-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.opaque_session), example: "300",
        help: "New sessions per minute of pages whose origin is null, where --allowed-origin names it: \
            from all client addresses together, and a tenth of it from each. They do not count for \
            --session-rate.",
    }
    CONNECT_RATE: Rate {
        name: "connect-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.connect), example: "200",
        help: "WebSocket upgrades without a valid token per client address and minute. At 0 \
            upgrades with a token are not limited either.",
    }
    FIND_RATE: Rate {
        name: "find-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.find), example: "100",
        help: "Requests to find somebody, resume, leave and the like per session and minute.",
    }
    FRAME_RATE: Rate {
        name: "frame-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.frame), example: "100",
        help: "WebSocket frames per connection and second.",
    }
    BYTE_RATE: Rate {
        name: "byte-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.byte), example: "1000000",
        help: "Bytes per connection and second.",
    }
    CONNECTIONS: Most {
        name: "connections", group: Limits, roles: GATEWAYS,
        without: "the limit of open files less 96", example: "100",
        help: "Open connections in all, of whatever kind. 96 open files are kept for health checks, \
            metrics, the bus and the rest of the process.",
    }
    CONNECTIONS_PER_ADDRESS: Bound {
        name: "connections-per-address", group: Limits, roles: GATEWAYS,
        default: Bound(config::CONNECTIONS_PER_ADDRESS), example: "5000",
        help: "Open connections per client address; of an IPv6 /56 four times as many, of a /48 \
            sixteen times.",
    }
    WAITING_PER_ADDRESS: Bound {
        name: "waiting-per-address", group: Limits, roles: GATEWAYS,
        default: Bound(config::WAITING_PER_ADDRESS), example: "50",
        help: "People of one client address, or of one /48 of IPv6, that wait for strangers at \
            once.",
    }
    HEARTBEAT: Duration {
        name: "heartbeat", group: Connections, roles: GATEWAYS,
        default: config::HEARTBEAT, example: "20s",
        help: "Time between two pings of a connection: more than 0.",
    }
    PONG_WAIT: Duration {
        name: "pong-wait", group: Connections, roles: GATEWAYS,
        default: config::PONG_WAIT, example: "5s",
        help: "How long after a ping a connection is closed if nothing was received: more than \
            0.",
    }
    UPGRADE_WAIT: Duration {
        name: "upgrade-wait", group: Connections, roles: GATEWAYS,
        default: config::UPGRADE_WAIT, example: "5s",
        help: "How long a connection may take for its TLS handshake, and again for its request: \
            more than 0.",
    }
    PUBLIC_URL: PublicUrl {
        name: "public-url", group: Connections, roles: GATEWAYS,
        without: "clients are not sent to this gateway by others", example: "https://chat-1.example",
        help: "Address at which clients reach this gateway and no other, as their list of servers has \
            it. Another gateway that stops sends its clients there. Leave it out where a load \
            balancer gives all gateways one address.",
    }
    DRAIN_SPREAD: Duration {
        name: "drain-spread", group: Connections, roles: GATEWAYS,
        default: config::DRAIN_SPREAD, example: "3s",
        help: "Time over which a stopping gateway spreads the return of its clients: less than \
            --drain-wait.",
    }
    DRAIN_WAIT: Duration {
        name: "drain-wait", group: Connections, roles: GATEWAYS,
        default: config::DRAIN_WAIT, example: "20s",
        help: "How long a stopping gateway waits until it closes the connections that remain.",
    }
}
