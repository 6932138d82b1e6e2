#!/usr/bin/env sh
# Generates gen/ from the protos that `orders protos` writes: ./generate.sh PROTOS. Needs protoc, protoc-gen-go and protoc-gen-go-grpc.
set -eu
cd "$(dirname "$0")"
map=Mbuf/validate/validate.proto=example.com/order-service/gen/buf/validate
${PROTOC:-protoc} -I "$1" --go_out=. --go_opt=module=example.com/order-service,$map \
    --go-grpc_out=. --go-grpc_opt=module=example.com/order-service,$map \
    $(cd "$1" && find orders buf -name '*.proto')
