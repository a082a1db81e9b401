"""Generated protobuf messages and gRPC stubs; `make generate` writes them from proto/pointsman/v1."""
