// One server, and what it does on SIGTERM, by its first argument:
//
//   drain          right: server.close(), closeIdleConnections(), and from then on
//                  Connection: close with every answer
//   close          the same without Connection: close, as the documentation has it: it
//                  serves kept-alive connections for as long as they are used
//   naive          wrong: there is no handler
//   destroy        wrong: the listener closes; what comes on kept-alive connections
//                  is read and hung up on, for two seconds
//   late-cut       wrong: what is in flight is answered with keep-alive; the next
//                  request on that connection is read and hung up on
//   cut-then-wait  wrong: everybody is hung up on at once, and it ends 3 s later
//   signal-again   wrong: everybody is hung up on, and it ends by the same signal
//   reload         SIGHUP is a reload that ends every websocket
//   reload-keep    SIGHUP is a reload that leaves websockets alone
const http = require('http');
const crypto = require('crypto');

const kind = process.argv[2];
const connections = new Set();
let stopping = false;

const server = http.createServer((request, response) => {
  if (stopping && (kind === 'destroy' || kind === 'late-cut')) return request.socket.destroy();
  setTimeout(() => {
    if (stopping && kind === 'drain') response.setHeader('Connection', 'close');
    response.end('ok\n');
  }, kind === 'late-cut' ? 400 : 100);
});
server.on('connection', (c) => {
  connections.add(c);
  c.on('close', () => connections.delete(c));
});

const websockets = new Set();
server.on('upgrade', (request, c) => {
  const accept = crypto.createHash('sha1')
    .update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  c.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
  websockets.add(c);
  c.on('error', () => {});
  c.on('close', () => websockets.delete(c));
  c.resume();
});
const goingAway = Buffer.from([0x88, 2, 0x03, 0xe9]); // a close frame with 1001

const stop = {
  drain() {
    stopping = true;
    server.close();
    server.closeIdleConnections();
  },
  close() {
    server.close();
    server.closeIdleConnections();
  },
  destroy() {
    stopping = true;
    server.close();
    setTimeout(() => process.exit(0), 2000);
  },
  'late-cut'() {
    stopping = true;
    server.close();
  },
  'cut-then-wait'() {
    server.close();
    for (const c of connections) c.destroy();
    setTimeout(() => process.exit(0), 3000);
  },
  'signal-again'() {
    server.close(() => process.kill(process.pid, 'SIGTERM'));
    for (const c of connections) c.destroy();
  },
}[kind];
if (stop) process.once('SIGTERM', stop);
if (kind === 'reload' || kind === 'reload-keep') {
  process.on('SIGHUP', () => {
    if (kind === 'reload') for (const c of websockets) c.end(goingAway);
  });
}
server.listen(Number(process.argv[3]), '127.0.0.1');
