# The server only. It needs your own PostgreSQL in ORDERS_DATABASE_URL. Run `orders migrate` once for each new version.
#
# It listens for other machines, so it does not start without authentication and TLS: create a key with `orders keys create`, mount
# the certificate and its key, and name them in ORDERS_TLS_CERTIFICATE and ORDERS_TLS_KEY. On a private network, you can set
# ORDERS_INSECURE=true instead. See docs/operations.md, "Container image".
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
# It uses the server's settings, including the port and the certificate. If client certificates are required, set
# ORDERS_TARGET_CERTIFICATE and ORDERS_TARGET_CERTIFICATE_KEY.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["orders", "healthcheck"]
# As process 1, so that SIGTERM reaches it and running calls can finish.
CMD ["orders", "serve"]
