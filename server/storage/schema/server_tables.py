"""The tables of the servers themselves."""

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text

from server.storage.schema.tables import metadata

# The processes, each as it last described itself. Not logged: a crash empties the table, and each process reports again.
servers = Table(
    "servers",
    metadata,
    Column("server_id", Text, primary_key=True),
    Column("heartbeat_time", DateTime(timezone=True), nullable=False),
    Column("snapshot", LargeBinary, nullable=False),
    prefixes=["UNLOGGED"],
    postgresql_with={"fillfactor": 50},
)

# What callers have set at run time, for all processes.
runtime_settings = Table(
    "runtime_settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("snapshot", LargeBinary, nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
)
