"""A client of an SMTP server."""

from contextlib import suppress
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from server.identity.loopback import is_loopback

# Seconds for each command and its reply, and for QUIT.
_TIMEOUT, _QUITTING = 30.0, 1.0
_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


class ServerUnreachable(Exception):
    """No connection, TLS or login: no mail can be sent now."""


class MailRefused(Exception):
    """The server did not accept this mail."""

    def __init__(self, code: int, *, is_lasting: bool) -> None:
        """`code` is the code of the server's reply, 0 without one."""
        super().__init__(str(code))
        self.code, self.is_lasting = code, is_lasting


class SmtpServer:
    """Sends mails one after the other over a connection, which it makes when needed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        # STARTTLS is required, except on this machine.
        starts_tls = True if parts.scheme == "smtp" and not is_loopback(host) else None
        self._client = SMTP(
            hostname=host,
            port=parts.port or _PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            start_tls=False if parts.scheme == "smtp+plain" else starts_tls,
            timeout=_TIMEOUT,
        )

    async def send(self, message: EmailMessage) -> None:
        """Returns when the server has accepted the mail. Raises ServerUnreachable and MailRefused."""
        if not self._client.is_connected:
            await self._connect()
        try:
            # The library's own method to send a message would fold its headers.
            await self._client.sendmail(_address_in(message["From"]), _address_in(message["To"]), message.as_bytes())
        except SMTPRecipientsRefused as error:
            raise _refused(error.recipients[0].code) from error
        except SMTPSenderRefused as error:
            # All mails have this sender, which the server may accept at the next attempt.
            raise MailRefused(error.code, is_lasting=False) from error
        except SMTPResponseException as error:
            raise _refused(error.code) from error
        except (SMTPException, OSError) as error:
            self._client.close()
            raise MailRefused(0, is_lasting=False) from error

    async def _connect(self) -> None:
        try:
            await self._client.connect()
        except (SMTPException, OSError) as error:
            self._client.close()
            raise ServerUnreachable(type(error).__name__) from error

    async def close(self) -> None:
        """Ends the connection, if there is one."""
        if self._client.is_connected:
            with suppress(SMTPException, OSError):
                await self._client.quit(timeout=_QUITTING)
        self._client.close()


def _address_in(header: Any) -> str:
    return str(header.addresses[0].addr_spec)


def _refused(code: int) -> MailRefused:
    return MailRefused(code, is_lasting=code >= 500)
