"""Requests of every method, made of the sample requests of the tests: a read's are repeated, a write's are sent once each."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from google.protobuf.descriptor import MethodDescriptor

from benchmarks import bodies
from benchmarks.callers import call
from server.domain.base.caller import scope_name
from server.domain.base.methods import MethodClass, access_of, class_of
from tests.methods import METHODS, method_of, path_of
from tests.samples import SAMPLES, Subject, request_for
from tests.shop import new_order

# The elements of a page or a batch.
MANY = 20
# A sample has two elements in its list, so that a batch is about ten subjects.
_SUBJECTS_OF_A_BATCH = MANY // 2
_BUYERS = 20


class Requests(NamedTuple):
    """Serialized requests of a method."""

    serialized: list[bytes]
    read: bool

    def to_send(self) -> Iterator[bytes]:
        return itertools.cycle(self.serialized) if self.read else iter(self.serialized)


def is_read(method: MethodDescriptor) -> bool:
    return class_of(method) is MethodClass.READ or scope_name(access_of(method).scope).endswith(".read")


def new_subjects(address: str, method: str, count: int) -> list[Subject]:
    """New orders of a server, and what must exist before the method's sample requests succeed."""
    creates = [new_order(_buyer(number)).SerializeToString() for number in range(count)]
    orders = call(address, bodies.CREATE, creates, keep=True).answers
    subjects = [Subject(bodies.order_id_of(order)) for order in orders]
    before = SAMPLES[method].before
    for step in range(len(before(subjects[0]))):
        # Those that follow may name what the ones before them answered.
        requests = [before(subject)[step] for subject in subjects]
        path = path_of(method_of(requests[0]))
        answers = call(address, path, [request.SerializeToString() for request in requests], keep=True).answers
        # Answers come in any order. What a subject learns from one it may learn from any.
        subjects = [each.after(*pair) for each, pair in zip(subjects, zip(requests, answers, strict=True), strict=True)]
    return subjects


def requests_of(method: str, subjects: Sequence[Subject], *, name: str) -> Requests:
    """The method's requests about the subjects; `name` makes their request ids unique."""
    size = _SUBJECTS_OF_A_BATCH if method.startswith("Batch") else 1
    groups = [subjects[first : first + size] for first in range(0, len(subjects), size)]
    requests = [_request(method, group, number, name) for number, group in enumerate(groups)]
    return Requests([request.SerializeToString() for request in requests], is_read(METHODS[method]))


def _request(method: str, subjects: Sequence[Subject], number: int, name: str) -> Any:
    request = request_for(method, subjects[0])
    for other in subjects[1:]:
        request.MergeFrom(request_for(method, other))
    if method in ("ListOrders", "SearchOrders"):
        # The newest orders of a customer.
        request = type(request)(filter={"customer_id": _buyer(number)})
    for field, value in (("request_id", f"{name}-{method}-{number}"), ("page_size", MANY), ("limit", MANY)):
        if field in request.DESCRIPTOR.fields_by_name:
            setattr(request, field, value)
    return request


def _buyer(number: int) -> str:
    return f"buyer-{number % _BUYERS}"
