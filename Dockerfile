# One build for every service: `make images`, or `docker build --target consumer .`
ARG RUST_VERSION=1.95
ARG DEBIAN=bookworm

FROM rust:${RUST_VERSION}-slim-${DEBIAN} AS toolchain
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ make perl \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# OpenSSL writes the time of its build into itself; this one is always the same.
ENV SOURCE_DATE_EPOCH=0

# The workspace without its code: what comes out of here, and so what is built of it, changes only with a Cargo.toml.
FROM toolchain AS manifests
COPY Cargo.toml Cargo.lock ./
COPY services services
# Nothing of it is built, but it is a member of the workspace.
COPY deploy/e2e/Cargo.toml deploy/e2e/
COPY deploy/e2e/src/main.rs deploy/e2e/src/
RUN find services -name main.rs -exec sh -c 'echo "fn main() { }" >"$1"' _ {} \; \
  && find services -name lib.rs -exec sh -c ': >"$1"' _ {} \; \
  && find services -type f ! -name Cargo.toml ! -name main.rs ! -name lib.rs -delete \
  && find services -type d -empty -delete

FROM toolchain AS build
COPY --from=manifests /src .
RUN --mount=type=cache,id=cargo-registry,target=/usr/local/cargo/registry,sharing=locked \
  cargo build --release --locked -p producer -p consumer -p monitor -p audit
COPY services services
# Cargo goes by times: the code is to be newer than what stood in for it.
RUN --mount=type=cache,id=cargo-registry,target=/usr/local/cargo/registry,sharing=locked \
  find services -name '*.rs' -exec touch {} + \
  && cargo build --release --locked -p producer -p consumer -p monitor -p audit

FROM gcr.io/distroless/cc-debian12:nonroot AS service
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.version=${VERSION} \
  org.opencontainers.image.revision=${REVISION} \
  org.opencontainers.image.licenses=Apache-2.0
USER 65532:65532
EXPOSE 8080

FROM service AS producer
LABEL org.opencontainers.image.title="Lagless producer" \
  org.opencontainers.image.description="Sends stock price updates to Kafka"
COPY --from=build /src/target/release/producer /usr/local/bin/producer
ENTRYPOINT ["/usr/local/bin/producer"]

FROM service AS consumer
LABEL org.opencontainers.image.title="Lagless consumer" \
  org.opencontainers.image.description="Takes part in a consumer group: ordered work, explicit offsets, graceful hand-over"
COPY --from=build /src/target/release/consumer /usr/local/bin/consumer
ENTRYPOINT ["/usr/local/bin/consumer"]

FROM service AS monitor
LABEL org.opencontainers.image.title="Lagless monitor" \
  org.opencontainers.image.description="Tells how far consumer groups are behind and how many consumers they need"
EXPOSE 6443
COPY --from=build /src/target/release/monitor /usr/local/bin/monitor
ENTRYPOINT ["/usr/local/bin/monitor"]

FROM service AS audit
LABEL org.opencontainers.image.title="Lagless audit" \
  org.opencontainers.image.description="Tells what became of every update, counted from the topics alone"
COPY --from=build /src/target/release/audit /usr/local/bin/audit
ENTRYPOINT ["/usr/local/bin/audit"]
