"""A role that may not do its work."""

import psycopg

from tests.e2e.processes import Server, orders


def test_a_role_without_rights_is_told_in_one_line(server: Server) -> None:
    url = server.database("rights")
    assert orders("migrate", "--database-url", url).code == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE clerk LOGIN")
        connection.execute("GRANT SELECT ON alembic_version, order_events TO clerk")
    finished = orders("serve", "--port", 0, "--database-url", url.replace("postgres@", "clerk@"))
    assert finished.code == 1
    assert "permission denied for sequence order_numbers" in finished.err
    assert "Traceback" not in finished.err
    assert finished.err.count("\n") == 1
