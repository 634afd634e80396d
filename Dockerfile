# The exporter on a distroless image: no shell, no package manager, uid 65532, a read-only root file system.
# docs/deployment/container.md describes how to run it and what is tested. CI builds and starts it with scripts/check-container.

# Only an argument that is declared before the first stage can name a base image. Pass digests to build from the same images again.
ARG RUST_IMAGE=docker.io/library/rust:1.95.0-slim-bookworm
# `cc` contains the libraries that a Rust program on glibc links (libc, libgcc_s), and the CA certificates, which the exporter needs.
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

# The builder runs on the architecture of the machine and cross-compiles for the target, which is many times faster than emulation.
FROM --platform=${BUILDPLATFORM} ${RUST_IMAGE} AS build
ARG TARGETARCH
# `dist` is the profile of releases (fat LTO); `release` builds faster.
ARG PROFILE=dist
# On Debian, the native compiler and the cross compiler for an architecture have the same name.
ENV CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CC_x86_64_unknown_linux_gnu=x86_64-linux-gnu-gcc \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    CARGO_INCREMENTAL=0
WORKDIR /build
# The cross compiler is installed only if the target is another architecture.
RUN set -eu; \
    case "${TARGETARCH}" in \
      amd64) target=x86_64-unknown-linux-gnu; compiler=x86-64-linux-gnu; libc=amd64 ;; \
      arm64) target=aarch64-unknown-linux-gnu; compiler=aarch64-linux-gnu; libc=arm64 ;; \
      *) echo "no build for TARGETARCH '${TARGETARCH}': amd64 or arm64" >&2; exit 1 ;; \
    esac; \
    echo "${target}" > /target; \
    if [ "$(dpkg --print-architecture)" != "${TARGETARCH}" ]; then \
      apt-get update; \
      apt-get install --yes --no-install-recommends "gcc-${compiler}" "libc6-dev-${libc}-cross"; \
      rm -rf /var/lib/apt/lists/*; \
      rustup target add "${target}"; \
    fi
# Builds only the dependencies, with an empty program: this layer is reused until the manifest, the lock file or the profile changes.
COPY Cargo.toml Cargo.lock ./
RUN set -eu; \
    mkdir src; \
    echo 'fn main() {}' > src/main.rs; \
    : > src/lib.rs; \
    cargo build --locked --profile "${PROFILE}" --target "$(cat /target)"; \
    # Cargo compares modification times, and the source files that are copied below are older than the empty program.
    cargo clean --locked --package genesyscloud-oauth-exporter --profile "${PROFILE}" --target "$(cat /target)"; \
    rm -r src

ARG REVISION=unknown
COPY build.rs ./
COPY docs/runbooks ./docs/runbooks
COPY templates ./templates
COPY src ./src
# The state directory is created here because the final image has no shell. A volume takes its owner from the directory in the image.
RUN set -eu; \
    GENESYSCLOUD_OAUTH_EXPORTER_REVISION="${REVISION}" \
      cargo build --locked --bins --profile "${PROFILE}" --target "$(cat /target)"; \
    install --mode=0755 "target/$(cat /target)/${PROFILE}/genesyscloud-oauth-exporter" /genesyscloud-oauth-exporter; \
    install --directory --mode=0750 /state/genesyscloud-oauth-exporter

FROM ${RUNTIME_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="genesyscloud-oauth-exporter" \
      org.opencontainers.image.description="Prometheus exporter that audits the OAuth clients of a Genesys Cloud organisation" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /genesyscloud-oauth-exporter /usr/bin/
COPY --chmod=0644 LICENSE THIRD-PARTY-NOTICES /usr/share/doc/genesyscloud-oauth-exporter/
COPY --from=build --chown=65532:65532 /state/ /var/lib/
# Listens on every address of the container, IPv4 and IPv6, so that a published port reaches the exporter. The details of the status page
# and the report are served only if GENESYSCLOUD_OAUTH_EXPORTER_WEB_EXPOSE_REPORT is set.
ENV GENESYSCLOUD_OAUTH_EXPORTER_WEB_LISTEN_ADDRESS=:9847 \
    STATE_DIRECTORY=/var/lib/genesyscloud-oauth-exporter
EXPOSE 9847
VOLUME /var/lib/genesyscloud-oauth-exporter
# A numeric user, so that Kubernetes can verify that it is not root.
USER 65532:65532
# `healthcheck` reads the listen address from the environment. Set the address there, and not as an argument of the container.
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s --retries=3 \
  CMD ["/usr/bin/genesyscloud-oauth-exporter", "healthcheck"]
ENTRYPOINT ["/usr/bin/genesyscloud-oauth-exporter"]
