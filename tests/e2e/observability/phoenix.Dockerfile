# Phoenix, by the lock that the other tests install it by.
ARG BASE
FROM ${BASE} AS build
WORKDIR /src
ENV UV_LINK_MODE=copy UV_CACHE_DIR=/cache/uv
COPY requirements/uv.txt requirements/phoenix.txt requirements/
COPY requirements/images/build.txt requirements/images/
COPY images/dependencies.sh images/
RUN --mount=type=cache,target=/cache images/dependencies.sh requirements/phoenix.txt \
 && (/opt/pointsman/bin/python -m compileall -q /opt/pointsman/lib || true)

FROM ${BASE}
COPY --from=build /opt/pointsman /opt/pointsman
ENV PATH=/opt/pointsman/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 6006
ENTRYPOINT ["phoenix", "serve"]
