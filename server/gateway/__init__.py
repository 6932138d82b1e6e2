"""HTTP/JSON for the API: a client of the gRPC service that serves the bindings in its protos."""
