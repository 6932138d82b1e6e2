"""Databases of the tests of the schema."""

import itertools
from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy.engine import make_url

_names = itertools.count(1)


@pytest.fixture
def empty_database(postgres: str) -> Callable[[], str]:
    """Makes a database with nothing in it and returns its URL."""

    def make() -> str:
        name = f"empty{next(_names)}"
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return make_url(postgres).set(database=name).render_as_string(hide_password=False)

    return make
