# The collector that tests/cluster built: its context is the folder of programs.
FROM scratch
ARG PROGRAM
COPY ${PROGRAM} /collector
USER 65532:65532
ENTRYPOINT ["/collector", "--config=file:/etc/collector/config.yaml"]
