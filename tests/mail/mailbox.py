"""An SMTP server that keeps the mails it takes, and refuses them as it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope


@dataclass
class Mailbox:
    """The mails, in the order of their arrival."""

    url: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    # Answers to RCPT by address, besides "250 OK".
    answers: dict[str, str] = field(default_factory=dict)
    # The addresses that mails were attempted to be sent to.
    attempted: list[str] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle_RCPT(self, _: Any, __: Any, envelope: Envelope, address: str, ___: Any) -> str:
        async with self._news:
            self.attempted.append(address)
            self._news.notify_all()
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Envelope) -> str:
        async with self._news:
            self.mails.append(message_from_bytes(envelope.original_content or b"", policy=default))  # type: ignore[arg-type]
            self._news.notify_all()
        return "250 OK"

    async def until(self, condition: Callable[["Mailbox"], bool]) -> "Mailbox":
        """The mailbox, once the condition holds."""
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: condition(self))
        return self

    async def to(self, address: str, count: int) -> list[EmailMessage]:
        """The mails to an address, once there are so many."""

        def found() -> list[EmailMessage]:
            return [mail for mail in self.mails if mail["To"] == address]

        await self.until(lambda _: len(found()) >= count)
        return found()


@asynccontextmanager
async def receiving(port: int = 0, mailbox: Mailbox | None = None) -> AsyncIterator[Mailbox]:
    """A mailbox on a port of this machine."""
    mailbox = mailbox or Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox, hostname="localhost"), "127.0.0.1", port)
    try:
        mailbox.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield mailbox
    finally:
        server.close()


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())
