"""Warnings about differing settings and versions of the processes on one database."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from orders.v1.server_service_pb2 import ServerInfo, ServerWarning

_PRICES = "processes have different values, so they compute different prices; start all with the same value"
_VERSIONS = "processes run different versions, as while replicas are being replaced"


def warnings_about(servers: Iterable[ServerInfo]) -> list[ServerWarning]:
    """The warnings about the processes that are alive."""
    alive = [server for server in servers if server.alive]
    values: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for server in alive:
        values["version"][server.version].append(server.server_id)
        for setting in server.settings:
            if setting.affects_prices:
                values[setting.name][setting.value].append(server.server_id)
    return list(_differing(values))


def _differing(values: Mapping[str, Mapping[str, Sequence[str]]]) -> Iterator[ServerWarning]:
    for subject, found in values.items():
        if len(found) > 1:
            warning = ServerWarning(subject=subject, description=_VERSIONS if subject == "version" else _PRICES)
            for value, server_ids in sorted(found.items()):
                warning.values.add(value=value, server_ids=server_ids)
            yield warning
