"""The payment provider of the settings."""

from server.config import ConfigError, Settings
from server.payments.provider import PaymentProvider
from server.payments.sandbox import SandboxProvider
from server.runtime.preflight import StartError

_MISSING = "ORDERS_PAYMENT_PROVIDER=stripe needs Stripe's library; install it with: pip install 'order-service[stripe]'"


def build(settings: Settings) -> PaymentProvider | None:
    """The provider; None if an external payment service reports by RecordPayment. Raises ConfigError and StartError."""
    chosen = settings.payment_provider or ("test" if settings.database_url is None else "external")
    if chosen == "stripe":
        return _stripe(settings)
    return SandboxProvider() if chosen == "test" else None


def _stripe(settings: Settings) -> PaymentProvider:
    if settings.stripe_secret_key is None:
        raise ConfigError("ORDERS_PAYMENT_PROVIDER=stripe needs ORDERS_STRIPE_SECRET_KEY, an API key of the account")
    try:
        from server.payments.stripe.api import StripeApi
        from server.payments.stripe.provider import StripeProvider
    except ModuleNotFoundError as error:
        raise StartError(_MISSING) from error
    key = settings.stripe_secret_key.get_secret_value()
    return StripeProvider(StripeApi(key, url=settings.stripe_api_url, timeout=settings.payment_timeout))
