"""Where settings come from, and the text that they are printed as."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from server.cli import config_output
from server.config import ConfigError, Settings, load

URL = "postgresql://jane:s3cret@db:5432/orders?sslmode=require"
ODD = """it's "a" \\ $HOME `x` ü"""


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("ORDERS_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("name", Settings.model_fields)
@pytest.mark.parametrize("value", ["", " \n"])
def test_a_blank_variable_counts_as_unset(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ORDERS_{name.upper()}", value)
    assert load({}) == Settings()


def test_a_blank_value_does_not_hide_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('port = 1\nmetrics_port = ""\ndata_dir = " "')
    monkeypatch.setenv("ORDERS_PORT", "")
    assert load({"data_dir": ""}, file=str(tmp_path / "a.toml")) == Settings(port=1)


def test_white_space_around_a_value_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERS_DATABASE_URL", f" {URL}\n")
    assert load({}).values(secrets=True)["database_url"] == URL


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ORDERS_PROT", "there is no setting ORDERS_PROT; did you mean ORDERS_PORT?"),
        ("ORDERS_TARGT", "did you mean ORDERS_TARGET?"),
        ("orders_metric_port", "there is no setting ORDERS_METRIC_PORT; did you mean ORDERS_METRICS_PORT?"),
        ("ORDERS_XYZZY", "there is no setting ORDERS_XYZZY; `orders config` lists them all"),
    ],
)
def test_a_misspelt_variable_is_refused(name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "s3cret")
    with pytest.raises(ConfigError) as refused:
        load({})
    assert says in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_misspelt_key_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("max_btach = 1")
    with pytest.raises(ConfigError, match=r"a\.toml: there is no setting max_btach; did you mean max_batch"):
        load({}, file=str(tmp_path / "a.toml"))


def test_what_kubernetes_says_of_services_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Service named orders, and one named orders-db, are described to every container beside them."""
    for prefix in ("ORDERS", "ORDERS_DB"):
        monkeypatch.setenv(f"{prefix}_SERVICE_HOST", "10.0.0.1")
        monkeypatch.setenv(f"{prefix}_SERVICE_PORT", "50051")
        monkeypatch.setenv(f"{prefix}_SERVICE_PORT_GRPC", "50051")
        monkeypatch.setenv(f"{prefix}_PORT", "tcp://10.0.0.1:50051")
        monkeypatch.setenv(f"{prefix}_PORT_50051_TCP", "tcp://10.0.0.1:50051")
        for part, value in (("PROTO", "tcp"), ("PORT", "50051"), ("ADDR", "10.0.0.1")):
            monkeypatch.setenv(f"{prefix}_PORT_50051_TCP_{part}", value)
    assert load({}) == Settings()


OF_ALL_KINDS = {
    "database_url": URL,
    "jwt_audience": ODD,
    "demo": False,
    "point_value": "CHF=0.0125 EUR=0.01",
    "metrics_port": 0,
    "stripe_secret_key": "sk_test_1",
}


def test_variables_are_read_back_by_a_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings(**OF_ALL_KINDS)
    (tmp_path / "env").write_text(config_output.as_variables(settings.values(secrets=True)))
    shell = "set -a; . ./env; env -0"
    found = subprocess.run(["sh", "-c", shell], cwd=tmp_path, env={}, capture_output=True, text=True, check=True).stdout
    for pair in found.rstrip("\0").split("\0"):
        name, _, value = pair.partition("=")
        if name.startswith("ORDERS_"):
            monkeypatch.setenv(name, value)
    assert load({}) == settings


def test_a_file_is_read_back(tmp_path: Path) -> None:
    settings = Settings(**OF_ALL_KINDS)
    (tmp_path / "a.toml").write_text(config_output.as_toml(settings.values(secrets=True)))
    assert load({}, file=str(tmp_path / "a.toml")) == settings


def test_json_has_the_names_of_the_file_and_plain_values() -> None:
    settings = Settings(**OF_ALL_KINDS)
    found = json.loads(config_output.as_json(settings.values(secrets=True)))
    assert list(found) == list(Settings.model_fields)
    assert (found["port"], found["demo"], found["tls_key"]) == (50051, False, None)
    assert load(found) == settings


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, "postgresql://jane:**********@db:5432/orders?sslmode=require"),
        ("postgresql://db/orders?password=s3cret&user=jane", "postgresql://db/orders?password=**********&user=jane"),
        ("postgresql://db/orders?pass%77ord=s3cret", "postgresql://db/orders?pass%77ord=**********"),
        ("postgresql://jane@db/orders", "postgresql://jane@db/orders"),
    ],
)
def test_a_password_is_masked_and_its_mask_is_not_taken_for_one(url: str, shown: str) -> None:
    assert load({"database_url": url}).values()["database_url"] == shown
    if "*" in shown:
        with pytest.raises(ConfigError, match="the password in place of"):
            load({"database_url": shown})


@pytest.mark.parametrize("name", ["stripe_secret_key", "stripe_webhook_secret"])
def test_secrets_are_masked_and_their_mask_is_not_taken_for_one(name: str) -> None:
    settings = load({name: "sk_live_1\n"})
    assert "sk_live_1" not in f"{settings!r}{settings.values()}"
    assert settings.values(secrets=True)[name] == "sk_live_1"
    with pytest.raises(ConfigError, match="as Stripe's dashboard shows it"):
        load({name: settings.values()[name]})


def test_a_secret_key_is_not_sent_without_tls() -> None:
    assert load({"stripe_api_url": "http://127.0.0.1:12111"}).stripe_api_url
    with pytest.raises(ConfigError, match="ORDERS_STRIPE_API_URL"):
        load({"stripe_api_url": "http://stripe.example.com"})


def test_the_schema_has_every_setting_and_no_other() -> None:
    schema = json.loads(config_output.schema())
    assert list(schema["properties"]) == list(Settings.model_fields)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["port"]["maximum"] == 65535
    assert schema["properties"]["postgres_version"]["enum"] == [18, 16]
