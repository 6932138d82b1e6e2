// Receives webhooks, verifies them and handles each change once: npm install standardwebhooks.
const { createServer } = require("node:http");
const { Webhook } = require("standardwebhooks");

const MAX_BYTES = 1 << 20;

const hook = new Webhook(process.env.WEBHOOK_SECRET);
// The handled version of each order. Store it in your database, in the transaction of your own work.
const versions = new Map();

// Ignores a repeated change, and one that arrives after a later one.
function handle(id, { type, data }) {
  if (data.version <= (versions.get(data.order_id) ?? 0)) return;
  versions.set(data.order_id, data.version);
  console.log(type, id, data.status);
}

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error("too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const server = createServer(async (request, response) => {
  try {
    const event = hook.verify(await read(request), request.headers);
    if (event.type !== "webhook.test") handle(request.headers["webhook-id"], event);
    response.writeHead(204).end();
  } catch {
    response.writeHead(400).end();
  }
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
