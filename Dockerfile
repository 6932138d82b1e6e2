# The server alone: it needs a PostgreSQL of yours in ORDERS_DATABASE_URL. Run `orders migrate` once for each new version.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/orders
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY server server
COPY generated generated
RUN /opt/orders/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.11-slim
COPY --from=build /opt/orders /opt/orders
RUN useradd --system --no-create-home orders
USER orders
ENV PATH=/opt/orders/bin:$PATH PYTHONUNBUFFERED=1 ORDERS_HOST=0.0.0.0 ORDERS_PORT=50051
EXPOSE 50051
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["orders", "healthcheck"]
# As process 1, so that SIGTERM reaches it and running calls can finish.
CMD ["orders", "serve"]
