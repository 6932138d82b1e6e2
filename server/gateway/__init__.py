"""HTTP/JSON for the API: a client of the gRPC service, which serves the bindings in the protos."""
