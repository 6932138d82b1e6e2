"""What the role that serves may do to the database, and what not."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.engine import make_url

from server.runtime import preflight as startup
from server.storage.schema import schema
from server.storage.schema.rights import COLUMN_RIGHTS, RIGHTS, SEQUENCE_RIGHTS
from server.storage.schema.tables import metadata
from tests.conftest import SERVING_ROLE, as_serving_role, new_order, serving, stock_shop
from tests.storage.helpers import disagreements, storing

pytestmark = pytest.mark.every_postgres

_FORBIDDEN = [
    "CREATE TABLE mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER TABLE orders ADD COLUMN mine int",
    "ALTER TABLE orders DROP CONSTRAINT orders_total_not_negative",
    "ALTER TABLE documents DISABLE TRIGGER documents_never_change",
    "DROP TRIGGER documents_never_change ON documents",
    "CREATE TRIGGER mine BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE INDEX mine ON orders (status)",
    "DROP INDEX orders_total",
    "DROP TABLE order_items",
    "DROP SEQUENCE order_numbers",
    "ALTER SEQUENCE order_numbers RESTART",
    "SELECT setval('order_numbers', 1)",
    "SET session_replication_role = replica",
    *(f"TRUNCATE {table} CASCADE" for table in RIGHTS),
    *(
        f"UPDATE {table} SET order_id = order_id"
        for table in ("documents", "order_events", "payments", "points_entries")
    ),
    "UPDATE payments SET amount_minor = 0",
    "UPDATE stock_adjustments SET delta = 1",
    "UPDATE audit_events SET actor = ''",
    "UPDATE alembic_version SET version_num = ''",
    *(
        f"DELETE FROM {table}"
        for table in (
            "orders",
            "documents",
            "order_events",
            "payments",
            "points_entries",
            "stock_adjustments",
            "audit_events",
        )
    ),
]


@pytest.fixture(scope="module")
async def used(new_database: Callable[[], str]) -> str:
    """A database with an order in it."""
    async with storing(new_database()) as store:
        await store.order(new_order())
        return store.url


@pytest.fixture
def role(used: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the role that serves."""
    with psycopg.connect(as_serving_role(used), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("statement", _FORBIDDEN)
def test_the_role_that_serves_changes_neither_the_schema_nor_what_is_written_for_good(
    role: psycopg.Connection[Any], statement: str
) -> None:
    with pytest.raises(InsufficientPrivilege):
        role.execute(statement)


def test_the_role_that_serves_hands_no_rights_on(role: psycopg.Connection[Any]) -> None:
    role.execute("GRANT SELECT ON orders TO PUBLIC")  # a warning only
    assert role.execute("SELECT has_table_privilege('public', 'orders', 'SELECT')").fetchone() == (False,)


def test_what_is_forbidden_is_possible_for_the_owner(used: str) -> None:
    """Else the test above would prove nothing: a statement could fail for another reason."""
    for statement in _FORBIDDEN:
        with psycopg.connect(used) as connection:
            connection.execute(statement)
            connection.rollback()


def test_every_table_has_its_rights_in_the_list_and_the_database_has_them_exactly(used: str) -> None:
    assert RIGHTS.keys() == metadata.tables.keys() | {"alembic_version"}
    assert SEQUENCE_RIGHTS.keys() == metadata._sequences.keys()
    with psycopg.connect(used) as connection:
        granted = connection.execute(
            "SELECT relname, privilege_type FROM pg_class, aclexplode(relacl)"
            " WHERE relnamespace = 'public'::regnamespace AND grantee = %s::regrole",
            [SERVING_ROLE],
        ).fetchall()
    rights = RIGHTS | SEQUENCE_RIGHTS
    assert COLUMN_RIGHTS.keys() <= RIGHTS.keys()
    assert sorted(granted) == sorted((name, right) for name in rights for right in rights[name].split(", "))


def test_rights_of_before_are_taken_back_when_the_database_is_migrated(new_database: Callable[[], str]) -> None:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"GRANT ALL ON documents TO {SERVING_ROLE}")
        connection.execute(f"GRANT CREATE ON SCHEMA public TO {SERVING_ROLE}, PUBLIC")
    schema.migrate(url, grant_to=SERVING_ROLE)
    with psycopg.connect(as_serving_role(url), autocommit=True) as connection:
        for statement in ("DELETE FROM documents", "CREATE TABLE mine (id int)"):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement)


async def test_an_owner_who_is_no_superuser_migrates_and_the_role_serves_and_can_make_no_tables(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE ROLE orders_owner LOGIN")
        connection.execute("CREATE DATABASE owned OWNER orders_owner TEMPLATE template0")
        connection.execute("REVOKE ALL ON DATABASE owned FROM PUBLIC")
        connection.execute(f"GRANT CONNECT ON DATABASE owned TO {SERVING_ROLE}")
    owned = make_url(postgres).set(database="owned", username="orders_owner").render_as_string(hide_password=False)
    schema.migrate(owned, grant_to=SERVING_ROLE)
    async with serving(owned) as service:
        await stock_shop(service)
        await service.orders.CreateOrder(new_order())
    assert await disagreements(owned) == []
    with psycopg.connect(as_serving_role(owned), autocommit=True) as connection:
        for kind in ("", "TEMPORARY"):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(f"CREATE {kind} TABLE mine (id int)")


def test_a_role_s_name_is_a_name_and_nothing_else(new_database: Callable[[], str]) -> None:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute('CREATE ROLE "Orders; DROP TABLE orders" LOGIN')
    try:
        schema.migrate(url, grant_to="Orders; DROP TABLE orders")
        with psycopg.connect(url) as connection:
            query = "SELECT has_table_privilege('Orders; DROP TABLE orders', 'orders', 'UPDATE')"
            assert connection.execute(query).fetchone() == (True,)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute('DROP OWNED BY "Orders; DROP TABLE orders"')
            connection.execute('DROP ROLE "Orders; DROP TABLE orders"')


@pytest.mark.parametrize(("role", "says"), [("nobody", "create it first"), ("postgres", "name another role")])
def test_a_role_that_cannot_be_bounded_is_refused(new_database: Callable[[], str], role: str, says: str) -> None:
    with pytest.raises(startup.StartError, match=says):
        startup.migrate(new_database(), grant_to=role)


def test_a_role_that_owns_a_table_or_the_database_is_refused(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE ROLE past_owner LOGIN")
        connection.execute("CREATE DATABASE inherited OWNER past_owner TEMPLATE template0")
    url = make_url(postgres).set(database="inherited").render_as_string(hide_password=False)
    schema.migrate(url)
    with pytest.raises(startup.StartError, match="name another role"):
        startup.migrate(url, grant_to="past_owner")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE inherited OWNER TO postgres")
        connection.execute("ALTER TABLE carts OWNER TO past_owner")
    with pytest.raises(startup.StartError, match="name another role"):
        startup.migrate(url, grant_to="past_owner")


def test_a_role_that_may_create_tables_by_another_one_is_refused(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE ROLE makers")
        connection.execute("CREATE ROLE member LOGIN IN ROLE makers")
        connection.execute("CREATE DATABASE made TEMPLATE template0")
    url = make_url(postgres).set(database="made").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO makers")
    with pytest.raises(startup.StartError, match="may create tables"):
        startup.migrate(url, grant_to="member")
