import os

# gRPC's handling of forks is for programs that fork, and says so on stderr; these only start others.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
