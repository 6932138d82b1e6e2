"""What every call of a benchmark carries. The one place that says it, for all drivers."""

# Names and values, as gRPC and h2load send them.
METADATA: list[tuple[str, str]] = []
