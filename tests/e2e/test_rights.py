"""The role that serves: what it is told without its rights, and what it can do with them."""

import psycopg

from tests.conftest import SERVING_ROLE, as_serving_role
from tests.e2e.processes import Finished, Server, orders


def test_a_role_without_rights_is_told_in_one_line(server: Server) -> None:
    url = server.database("rights")
    assert orders("migrate", "--database-url", url).code == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE clerk LOGIN")
        connection.execute("GRANT SELECT ON alembic_version, order_events TO clerk")
    finished = orders("serve", "--port", 0, "--database-url", url.replace("postgres@", "clerk@"))
    assert finished.code == 1
    assert "Traceback" not in finished.err
    *logged, said = finished.err.splitlines()
    assert all("cause=permission_denied" in line for line in logged)
    assert "the database lacks a permission" in said


def test_the_role_that_serves_verifies_and_rebuilds_but_does_not_migrate(server: Server) -> None:
    env = {"ORDERS_DATABASE_URL": as_serving_role(server.migrated("verified"))}
    assert orders("verify", env=env) == Finished(0, "everything is consistent\n", "")
    assert orders("rebuild", env=env) == Finished(0, "0 orders rebuilt\n", "")
    refused = orders("migrate", "--grant-to", SERVING_ROLE, env=env)
    assert refused.code == 1
    assert "name another role" in refused.err


def test_rights_for_a_role_that_is_not_there_are_refused_in_one_line(server: Server) -> None:
    finished = orders("migrate", "--database-url", server.database("nobody"), "--grant-to", "nobody")
    assert finished == Finished(1, "", "orders: there is no role 'nobody'; create it first\n")
