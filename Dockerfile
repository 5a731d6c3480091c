# The image: one static binary, nothing else to attack, no shell. `docker build .` builds it from the
# sources; releases put in binaries that are built already:
#
#     docker build --build-arg BINARY=prebuilt .     takes dist/image/<processor>/cipher-chat
#
# Base images can be replaced, where these cannot be had: RUST is any system with Rust and a C compiler,
# CERTIFICATES any with /etc/ssl/certs/ca-certificates.crt.
ARG BINARY=source
ARG RUST=rust:1.95-slim-bookworm
ARG CERTIFICATES=alpine:3.22

# ---- From the sources.

FROM ${RUST} AS manifests
WORKDIR /source
COPY . .
# Only what decides about dependencies: the manifests, each with an empty crate beside it.
RUN .ci/release/skeleton /skeleton

FROM ${RUST} AS source
ARG TARGETARCH=amd64
WORKDIR /source
# Static, with the C library inside.
ENV RUSTFLAGS="-C target-feature=+crt-static -C strip=symbols --remap-path-prefix=/source=/source"
# Dependencies in a layer of their own, which is built again only if a manifest changes.
COPY --from=manifests /skeleton/ ./
RUN cargo build --profile dist --features traces --locked --bin cipher-chat --target "$(uname -m)-unknown-linux-gnu"
COPY . .
# The skeleton's files are newer than those of the sources: cargo must not take its crates for ours.
RUN find . -name '*.rs' -not -path './target/*' -exec touch {} + \
    && cargo build --profile dist --features traces --locked --bin cipher-chat --target "$(uname -m)-unknown-linux-gnu" \
    && mkdir -p "/out/$TARGETARCH" && cp target/*/dist/cipher-chat "/out/$TARGETARCH/"

# ---- Or built already.

FROM scratch AS prebuilt
COPY dist/image/ /out/

# ---- What runs.

FROM ${BINARY} AS binary

FROM ${CERTIFICATES} AS certificates

FROM scratch
ARG TARGETARCH=amd64
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cipher-chat" \
      org.opencontainers.image.description="Anonymous, ephemeral, end-to-end encrypted one-to-one chat that anyone can host" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# For its clients (chat, bench), which check the certificates of public servers.
COPY --from=certificates /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=binary /out/${TARGETARCH}/cipher-chat /cipher-chat
# Where the volumes of compose.yaml are mounted: they take over the owner of these directories.
COPY --chown=65532:65532 deploy/image/ /
# Nobody: no user of any system has this number.
USER 65532:65532
# Asks the node's own /readyz.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 CMD ["/cipher-chat", "probe"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/cipher-chat"]
