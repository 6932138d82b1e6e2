// Creates an order with retries, resumes a broken list, and reads the details of an error:
// node caller.js TARGET PROTOS SERVICE_CONFIG
const fs = require("node:fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [target, protos, serviceConfig] = process.argv.slice(2);
const options = { keepCase: true, longs: String, enums: String, defaults: true, includeDirs: [protos] };
const api = grpc.loadPackageDefinition(
  loader.loadSync(["orders/v1/order_service.proto", "google/rpc/error_details.proto", "google/rpc/status.proto"], options),
);
const types = loader.loadSync(["google/rpc/error_details.proto", "google/rpc/status.proto"], options);
const decode = (name, bytes) => types[name].deserialize(bytes);

const client = new api.orders.v1.OrderService(target, grpc.credentials.createInsecure(), {
  // Deadlines and retries of reads.
  "grpc.service_config": fs.readFileSync(serviceConfig, "utf8"),
});

const TRANSIENT = new Set([grpc.status.UNAVAILABLE, grpc.status.DEADLINE_EXCEEDED]);

// The code, the reason and the metadata of a failed call; the reason is "" if it did not reach the service.
function explain(error) {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const details = bytes ? decode("google.rpc.Status", bytes).details : [];
  const info = details.find((each) => each.type_url.endsWith("/google.rpc.ErrorInfo"));
  return info ? decode("google.rpc.ErrorInfo", info.value) : { reason: "", metadata: {} };
}

const send = (order) =>
  new Promise((resolve, reject) => client.CreateOrder(order, (error, answer) => (error ? reject(error) : resolve(answer))));

// Sends an order until its outcome is known. The request id makes this safe.
async function create(order, attempts = 8) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(order);
    } catch (error) {
      if (attempt === attempts || !(TRANSIENT.has(error.code) || explain(error).reason === "IDEMPOTENCY_IN_PROGRESS")) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100 * 2 ** attempt));
    }
  }
}

// Yields the orders of a list; a broken stream resumes after the last message.
async function* list(request, from = "") {
  for (let token = from, failures = 0; ; ) {
    const stream = client.ListOrders({ ...request, resume_token: token });
    try {
      for await (const message of stream) {
        failures = 0;
        for (const order of message.orders) yield { order, token };
        token = message.resume_token || token;
        if (message.complete || message.limit_reached) return;
      }
    } catch (error) {
      failures += 1;
      if (failures === 8 || !TRANSIENT.has(error.code)) throw error;
    } finally {
      stream.cancel();
    }
  }
}

async function main() {
  const order = {
    request_id: "example-node",
    customer_id: "jane",
    items: [{ product_id: "mug", quantity: 1 }],
    shipping_address: { street: "123 Main St", city: "New York", state: "NY", postal_code: "10001", country: "US" },
    payment_method: "PAYMENT_METHOD_CASH_ON_DELIVERY",
  };
  const [created, again] = [await create(order), await create(order)];
  console.log("created", created.status, again.order_id === created.order_id ? "again" : "anew");

  const seen = [];
  let resume = "";
  for await (const { order: listed, token } of list({ page_size: 1 })) {
    resume = token;
    if (resume) break;
    seen.push(listed.order_id);
  }
  for await (const { order: listed } of list({ page_size: 1 }, resume)) seen.push(listed.order_id);
  console.log("listed", seen.includes(created.order_id), "repeated", seen.length - new Set(seen).size);

  try {
    await create({ ...order, request_id: "example-node-2", items: [{ product_id: "nothing", quantity: 1 }] });
  } catch (error) {
    const { reason, metadata } = explain(error);
    console.log("refused", reason, metadata.product_id);
  }
  client.close();
}

main();
