# The server alone: it needs a PostgreSQL of yours in ORDERS_DATABASE_URL. Run `orders migrate` once for each new version.
#
# It listens for other machines, and so does not start without authentication and TLS: make a key with `orders keys create`, mount
# certificate and key, and name them in ORDERS_TLS_CERTIFICATE and ORDERS_TLS_KEY. Or, on a private network, set ORDERS_INSECURE=true.
# All of it: docs/operations.md, "Container image".
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/orders
COPY requirements.txt ./
RUN /opt/orders/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY server server
COPY generated generated
COPY protos protos
RUN /opt/orders/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
COPY --from=build /opt/orders /opt/orders
RUN useradd --system --no-create-home orders
USER orders
ENV PATH=/opt/orders/bin:$PATH PYTHONUNBUFFERED=1 ORDERS_HOST=0.0.0.0 ORDERS_PORT=50051
EXPOSE 50051
# It finds the server by the same settings, port and certificate included. Where client certificates are required it needs one:
# ORDERS_TARGET_CERTIFICATE and ORDERS_TARGET_CERTIFICATE_KEY.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["orders", "healthcheck"]
# As process 1, so that SIGTERM reaches it and running calls can finish.
CMD ["orders", "serve"]
