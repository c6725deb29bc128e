# One image for every service and for the command line: `docker build --tag tally .`, then `docker run tally gateway` or
# `docker run tally usage`. The embedded Kafka and ClickHouse are not in it.

ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# What npm needs to know, apart from everything else: the layers below are made anew only when a package changes.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /source
COPY . .
RUN mkdir /manifests && find . -name package.json -print0 | xargs -0 cp --parents --target-directory=/manifests \
  && cp package-lock.json .npmrc /manifests

FROM ${NODE_IMAGE} AS production
WORKDIR /app
COPY --from=manifests /manifests ./
# Optional ones are the embedded ClickHouse and its like.
RUN npm ci --ignore-scripts --omit=dev --omit=optional \
    --workspace services/gateway --workspace services/consumer --workspace services/aggregator \
    --workspace services/notifier --workspace services/api --workspace services/cli \
  && rm -rf test/ services/dashboard/ infra/containers/ \
  && find node_modules -xtype l -delete \
  && find node_modules -type f '(' -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' ')' -delete

FROM ${NODE_IMAGE} AS dashboard
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci --ignore-scripts --omit=dev --workspace services/dashboard
COPY --from=manifests /source ./
RUN npm run build --workspace services/dashboard

# What runs: sources as they are, without tests and pages that were built.
FROM manifests AS sources
RUN find . -name '*.test.ts' -delete && rm -rf test services/dashboard infra/containers/stand-ins infra/kubernetes

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tally" \
      org.opencontainers.image.description="Usage metering for customer journeys: exact and provable" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="node:24.21.0-bookworm-slim"
WORKDIR /app
COPY --from=production /app/node_modules ./node_modules
COPY --from=sources /source/package.json ./
COPY --from=sources /source/schemas ./schemas
COPY --from=sources /source/infra ./infra
COPY --from=sources /source/services ./services
COPY --from=dashboard /app/services/dashboard/dist ./services/dashboard/dist
# Inside a container a service is reached from outside only if it listens on every address. The file is where a service
# says that it listens, and where its health is asked: in memory, since nothing else can be written.
ENV NODE_ENV=production \
    TALLY_READY_FILE=/tmp/tally-ready.json \
    TALLY_GATEWAY_HOST=0.0.0.0 \
    TALLY_CONSUMER_HOST=0.0.0.0 \
    TALLY_AGGREGATOR_HOST=0.0.0.0 \
    TALLY_NOTIFIER_HOST=0.0.0.0 \
    TALLY_API_HOST=0.0.0.0
# Compiling the sources takes longer than starting does. Without its configuration each ends once everything is loaded.
ENV NODE_COMPILE_CACHE=/app/compiled
RUN for service in gateway consumer aggregator notifier api; do node services/$service/main.ts; done > /dev/null; \
  node services/cli/bin/tally.js --help > /dev/null
USER 1000:1000
# gateway, api, consumer, aggregator, notifier
EXPOSE 8081 8080 8083 8084 8085
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=8s --start-period=60s --retries=3 CMD ["node", "/app/infra/containers/health.ts"]
ENTRYPOINT ["/app/infra/containers/entrypoint.sh"]
CMD ["--help"]
