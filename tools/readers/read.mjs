// Reads a StreamFuse bus by its documented layout, with nothing but Node 20: ZMTP 3.0 over TCP, and msgpack.
//   node read.mjs [endpoint, tcp://127.0.0.1:5560] [topic prefix, sf1/]
// Prints one line of JSON per message, and ends when every stream it has seen has ended. The layout: docs/7-publish.md.
import net from "node:net";

const [endpoint = "tcp://127.0.0.1:5560", prefix = "sf1/"] = process.argv.slice(2);
const last = new Map(); // topic -> "pub seq", to count gaps
const running = new Set();

function unpack(buffer) { // one msgpack value; integers beyond 2^53 become BigInt, binary becomes Buffer
  let at = 0;
  const take = (n) => buffer.subarray(at, (at += n));
  const number = (name, n) => { at += n; return buffer[name](at - n); };
  const big = (name) => { const n = number(name, 8); return Number.isSafeInteger(Number(n)) ? Number(n) : n; };
  const list = (n) => Array.from({ length: n }, value);
  const map = (n) => Object.fromEntries(Array.from({ length: n }, () => [value(), value()]));
  const text = (n) => take(n).toString("utf8");
  const size = (kind) => number(["readUInt8", "readUInt16BE", "readUInt32BE"][kind], 1 << kind);
  function value() {
    const type = number("readUInt8", 1);
    if (type < 0x80) return type;
    if (type < 0x90) return map(type & 15);
    if (type < 0xa0) return list(type & 15);
    if (type < 0xc0) return text(type & 31);
    if (type >= 0xe0) return type - 256;
    if (type === 0xc0) return null;
    if (type === 0xc2 || type === 0xc3) return type === 0xc3;
    if (type >= 0xc4 && type <= 0xc6) return take(size(type - 0xc4));
    if (type === 0xca) return number("readFloatBE", 4);
    if (type === 0xcb) return number("readDoubleBE", 8);
    if (type >= 0xcc && type <= 0xce) return size(type - 0xcc);
    if (type === 0xcf) return big("readBigUInt64BE");
    if (type >= 0xd0 && type <= 0xd2) return number(["readInt8", "readInt16BE", "readInt32BE"][type - 0xd0], 1 << (type - 0xd0));
    if (type === 0xd3) return big("readBigInt64BE");
    if (type >= 0xd9 && type <= 0xdb) return text(size(type - 0xd9));
    if (type === 0xdc || type === 0xdd) return list(size(type - 0xdb));
    if (type === 0xde || type === 0xdf) return map(size(type - 0xdd));
    throw new Error(`msgpack type ${type} is not used on this bus`);
  }
  return value();
}

function show([topic, data, ...parts]) {
  const header = unpack(data), name = topic.toString("ascii");
  if (header.v[0] !== 1) throw new Error(`wire format ${header.v[0]}, this reader knows 1`);
  (header.parts ?? []).forEach((part, i) => {
    if (parts[i]?.length !== part.bytes) throw new Error(`${name}: part ${part.name} is not ${part.bytes} bytes long`);
  });
  const [pub, seq] = last.get(name) ?? [header.pub.toString("hex"), header.seq - 1];
  const lost = pub === header.pub.toString("hex") ? Math.max(0, header.seq - seq - 1) : 0;
  last.set(name, [header.pub.toString("hex"), header.seq]);
  const json = (_, v) => (typeof v === "bigint" ? v.toString() : v?.type === "Buffer" ? Buffer.from(v.data).toString("hex") : v);
  console.log(JSON.stringify({ topic: name, lost, header, parts: parts.map((part) => part.length) }, json));
  if (header.kind === "eos") running.delete(header.stream);
  else running.add(header.stream);
  if (header.kind === "eos" && running.size === 0) socket.end();
}

function frame(body, flags = 0) { // short frames are all that a reader sends
  socket.write(Buffer.concat([Buffer.from([flags, body.length]), body]));
}

function command(body) {
  const name = body.subarray(1, 1 + body[0]).toString();
  const topics = "sf1/hello/".startsWith(prefix) ? [prefix] : [prefix, "sf1/eos/", "sf1/hello/"]; // hello last: by it readers are counted
  if (name === "READY") for (const topic of topics) frame(Buffer.from("\x01" + topic));
  if (name === "PING") frame(Buffer.concat([Buffer.from("\x04PONG"), body.subarray(7)]), 4); // back comes its context
}

let waiting = Buffer.alloc(0), greeted = false, message = [];
const { hostname, port } = new URL(endpoint.replace("tcp:", "http:"));
const socket = net.connect(Number(port), hostname.replace(/[[\]]/g, ""), () => {
  const greeting = Buffer.alloc(64); // signature, version 3.0, mechanism NULL
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0]);
  greeting.write("NULL", 12);
  socket.write(greeting);
  frame(Buffer.from("\x05READY\x0bSocket-Type\0\0\0\x03SUB"), 4);
});
socket.on("data", (chunk) => {
  waiting = Buffer.concat([waiting, chunk]);
  if (!greeted && waiting.length >= 64) [greeted, waiting] = [true, waiting.subarray(64)];
  while (greeted && waiting.length >= 2) {
    const flags = waiting[0], start = flags & 2 ? 9 : 2; // bit 0: more parts follow, bit 1: long, bit 2: command
    if (waiting.length < start) return;
    const end = start + (flags & 2 ? Number(waiting.readBigUInt64BE(1)) : waiting[1]);
    if (waiting.length < end) return;
    const body = Buffer.from(waiting.subarray(start, end));
    waiting = waiting.subarray(end);
    if (flags & 4) command(body);
    else message.push(body);
    if (flags & 5) continue;
    show(message);
    message = [];
  }
});
socket.on("error", (error) => { console.error(`${endpoint}: ${error.message}`); process.exitCode = 1; });
