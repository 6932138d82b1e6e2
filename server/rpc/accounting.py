"""Lists of invoices, payments and refunds over all orders, with their sums."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from google.protobuf.message import Message
from orders.v1.accounting_pb2 import (
    InvoiceEntry,
    ListInvoicesRequest,
    ListInvoicesResponse,
    ListPaymentsRequest,
    ListPaymentsResponse,
    ListRefundsRequest,
    ListRefundsResponse,
    PaymentEntry,
    RefundEntry,
)

from server.domain.base import page_tokens as tokens
from server.domain.orders.entries import InvoiceSums, PaymentSums, RefundSums, currency_of
from server.storage.read.accounting import (
    BEFORE_DOCUMENTS,
    BEFORE_ORDERS,
    AccountingRepository,
    Entries,
    Period,
    Place,
)

_DEFAULT_SIZE = 100
# Entries that one statement reads for the sums.
_AT_ONCE = 500
# The maximum number of statements for a page.
_MOST_READS = 20

Read = Callable[..., Awaitable[Entries[Any]]]
Entry = TypeVar("Entry")


class Sums(Protocol):
    """Sums of entries."""

    def add(self, entry: Any) -> None: ...
    def sums(self) -> list[Any]: ...


class Accounting:
    """Lists read pages of entries, and skip entries that their filters do not select."""

    def __init__(self, accounting: AccountingRepository) -> None:
        self._accounting = accounting

    async def list_invoices(self, request: ListInvoicesRequest) -> ListInvoicesResponse:
        def selects(entry: InvoiceEntry) -> bool:
            return request.type in (0, entry.type) and request.currency_code in ("", entry.amount.currency_code)

        period = _period(request, "issue_time_from", "issue_time_to")
        listing = _Listing(request, self._accounting.invoices, period, BEFORE_DOCUMENTS, selects)
        entries, token = await listing.page()
        sums = await listing.sums(InvoiceSums())
        return ListInvoicesResponse(invoices=entries, next_page_token=token, sums=sums)

    async def list_payments(self, request: ListPaymentsRequest) -> ListPaymentsResponse:
        def selects(entry: PaymentEntry) -> bool:
            payment = entry.payment
            return (
                request.provider in ("", payment.provider)
                and (not request.statuses or payment.status in request.statuses)
                and request.currency_code in ("", currency_of(payment))
            )

        period = _period(request, "time_from", "time_to")
        listing = _Listing(request, self._accounting.payments, period, BEFORE_ORDERS, selects)
        entries, token = await listing.page()
        sums = await listing.sums(PaymentSums())
        return ListPaymentsResponse(payments=entries, next_page_token=token, sums=sums)

    async def list_refunds(self, request: ListRefundsRequest) -> ListRefundsResponse:
        def selects(entry: RefundEntry) -> bool:
            refund = entry.refund
            return (
                request.provider in ("", entry.provider)
                and (not request.statuses or refund.status in request.statuses)
                and request.currency_code in ("", refund.amount.currency_code)
            )

        period = _period(request, "time_from", "time_to")
        listing = _Listing(request, self._accounting.refunds, period, BEFORE_ORDERS, selects)
        entries, token = await listing.page()
        sums = await listing.sums(RefundSums())
        return ListRefundsResponse(refunds=entries, next_page_token=token, sums=sums)


class _Listing:
    """A requested list."""

    def __init__(self, request: Any, read: Read, period: Period, first: Place, selects: Callable[[Any], bool]) -> None:
        self._request, self._read, self._period, self._first, self._selects = request, read, period, first, selects
        self._query: Message = type(request)()
        self._query.CopyFrom(request)
        for name in ("page_size", "page_token", "show_sums"):
            self._query.ClearField(name)

    async def page(self) -> tuple[list[Any], str]:
        """The entries of the page, and the token of the next one."""
        size = self._request.page_size or _DEFAULT_SIZE
        after: Place | None = self._place()
        entries: list[Any] = []
        for _ in range(_MOST_READS):
            assert after is not None
            read = await self._read(self._period, after=after, limit=size)
            after = read.until
            for index, (place, entry) in enumerate(read.found):
                # Entries of one place belong together.
                if len(entries) >= size and place != read.found[index - 1][0]:
                    return entries, self._token(read.found[index - 1][0])
                if self._selects(entry):
                    entries.append(entry)
            if after is None or len(entries) >= size:
                break
        return entries, "" if after is None else self._token(after)

    async def sums(self, sums: Sums) -> list[Any]:
        """The sums of all entries, if the request has `show_sums` and is for the first page."""
        after: Place | None = self._first
        while after is not None and self._request.show_sums and not self._request.page_token:
            read = await self._read(self._period, after=after, limit=_AT_ONCE)
            for _, entry in read.found:
                if self._selects(entry):
                    sums.add(entry)
            after = read.until
        return sums.sums()

    def _token(self, place: Place) -> str:
        return tokens.encode(self._query, [place.time.isoformat(), place.key])

    def _place(self) -> Place:
        if not self._request.page_token:
            return self._first
        time, key = tokens.decode(self._request.page_token, self._query, (str, str), field="page_token")
        try:
            if self._first is BEFORE_ORDERS:
                UUID(key)
            return Place(datetime.fromisoformat(time), key)
        except ValueError as error:
            raise tokens.token_invalid("page_token") from error


def _period(request: Any, start: str, end: str) -> Period:
    bounds = {
        name: getattr(request, field).ToDatetime(UTC)
        for name, field in (("start", start), ("end", end))
        if request.HasField(field)
    }
    return Period(**bounds)
