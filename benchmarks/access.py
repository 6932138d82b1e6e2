"""What every call of a benchmark carries. The one place that says it, for all drivers and the commands that call."""

# Names and values, as gRPC and h2load send them.
METADATA: list[tuple[str, str]] = []

# The same, for `orders import` and `orders export`.
CLIENT_FLAGS: list[str] = []
