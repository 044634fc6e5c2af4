# One small image for worker, replay and the vendor simulator (worker simulate):
# static programs on an empty image, without the embedded servers.
#   docker build -t points-ledger .
#   docker run --rm points-ledger --help
FROM golang:1.26-bookworm AS build
# A module mirror, where the default one cannot be reached.
ARG GOPROXY
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -tags noembed -ldflags='-s -w' -o /out/ ./cmd/worker ./cmd/replay ./cmd/reconcile

# One static program for the health checks; the image has no shell.
FROM busybox:1.37-musl AS probe

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /zoneinfo.zip
COPY --from=probe /bin/busybox /bin/wget
COPY --from=build /out/ /bin/
COPY LICENSE /LICENSE
ENV ZONEINFO=/zoneinfo.zip PATH=/bin WORKER_HTTP_ADDR=0.0.0.0:8080
# Nobody in particular; the secret files must be readable for this id.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/bin/worker"]
CMD ["run"]
