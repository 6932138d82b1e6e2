"""The benchmarks know every method: what is forgotten here would only be missed when they run."""

from benchmarks.figures.calls import methods
from benchmarks.requests import Stage, requests_of


def test_there_are_requests_for_every_method() -> None:
    ids = [f"order-{number}" for number in range(40)]
    stage = Stage("test", order_ids=ids, buyers=["jane"], to_confirm=ids, to_pay=ids, to_cancel=ids, key_ids=["key"])
    requests = requests_of(stage)
    assert sorted(requests) == sorted(methods())
    assert all(each.serialized for each in requests.values())
