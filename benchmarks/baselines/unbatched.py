"""The same server without its queue: each write is a transaction of its own as soon as it arrives.

python -m benchmarks.baselines.unbatched serve …    # as `orders serve …`
"""

from server.cli.main import main
from server.domain.operations import Answer, Command
from server.runtime import wiring
from server.storage.write.writer import Writer


class UnbatchedWriter(Writer):
    async def execute(self, command: Command) -> Answer:
        (outcome,) = await self._run_single([command])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


if __name__ == "__main__":
    wiring.Writer = UnbatchedWriter  # type: ignore[misc]
    main()
