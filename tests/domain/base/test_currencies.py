"""The table of currencies holds what the standard lists and keeps what the standard drops."""

import iso4217
import pytest

from server.domain.base.currencies import EXPONENTS

WITHDRAWN = {
    **{"ANG": 2, "BGN": 2, "BYR": 0, "CUC": 2, "HRK": 2, "LTL": 2, "MRO": 2, "SLL": 2, "STD": 2, "VEF": 2, "ZWL": 2},
    **{"ATS": 2, "BEF": 0, "DEM": 2, "EEK": 2, "ESP": 0, "FRF": 2, "GRD": 0, "ITL": 0, "LVL": 2, "PTE": 0, "SKK": 2},
}


def test_every_current_currency_is_in_the_table() -> None:
    current = {currency.code: currency.exponent for currency in iso4217.Currency if currency.exponent is not None}
    assert current.items() <= EXPONENTS.items()


@pytest.mark.parametrize(("code", "exponent"), WITHDRAWN.items())
def test_a_withdrawn_currency_keeps_its_exponent(code: str, exponent: int) -> None:
    assert EXPONENTS[code] == exponent


def test_every_code_is_three_capital_letters() -> None:
    assert [code for code in EXPONENTS if len(code) != 3 or not code.isascii() or not code.isupper()] == []
