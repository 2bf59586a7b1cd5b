import { randomBytes } from 'node:crypto';
import { get } from 'node:http';
import type { Socket } from 'node:net';

/** A WebSocket for tests, by hand (Node 20 has no client), so that it can stop reading and send what it should not. */
export interface TestSocket {
  /** 101, or what the upgrade was refused with. */
  readonly status: number;
  /** Body of a refusal. */
  readonly body: string;
  /** The connection; `pause()` makes a stalled client of it. */
  readonly connection: Socket | undefined;
  /** The next text message. */
  next(): Promise<unknown>;
  send(text: string): void;
  /** Code and reason once the server has ended it; 1006 when it did so without a word. */
  readonly closed: Promise<{ code: number; reason: string }>;
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export function openTestSocket(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<TestSocket> {
  return new Promise((resolve, reject) => {
    const request = get({
      host: '127.0.0.1',
      port,
      path,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        ...headers,
      },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve(refused(response.statusCode ?? 0, body)));
    });
    request.on('upgrade', (_, connection, head) => resolve(opened(connection as Socket, head)));
  });
}

function refused(status: number, body: string): TestSocket {
  const closed = Promise.resolve({ code: 1006, reason: '' });
  const next = () => Promise.reject(new Error('no socket'));
  return { status, body, connection: undefined, next, send: () => {}, closed };
}

function opened(connection: Socket, head: Buffer): TestSocket {
  let bytes = head;
  const texts: unknown[] = [];
  const waiters: ((text: unknown) => void)[] = [];
  let end: (how: { code: number; reason: string }) => void = () => {};
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    end = resolve;
  });
  const take = () => {
    for (let frame = shift(); frame; frame = shift()) {
      const { opcode, payload } = frame;
      if (opcode === 1) {
        const text: unknown = JSON.parse(payload.toString('utf8'));
        const waiter = waiters.shift();
        if (waiter) waiter(text);
        else texts.push(text);
      } else if (opcode === 8) end({ code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) });
      else if (opcode === 9) connection.write(frameOf(10, payload));
    }
  };
  const shift = (): Frame | undefined => {
    if (bytes.length < 2) return undefined;
    const short = bytes[1]! & 127;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < start) return undefined;
    const length =
      short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (bytes.length < start + length) return undefined;
    const frame = { opcode: bytes[0]! & 15, payload: bytes.subarray(start, start + length) };
    bytes = bytes.subarray(start + length);
    return frame;
  };
  connection.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    take();
  });
  connection.on('error', () => {});
  connection.on('close', () => end({ code: 1006, reason: '' }));
  take();
  return {
    status: 101,
    body: '',
    connection,
    next: () =>
      texts.length > 0 ? Promise.resolve(texts.shift()) : new Promise((resolve) => waiters.push(resolve)),
    send: (text) => connection.write(frameOf(1, Buffer.from(text))),
    closed,
  };
}

/** A client's frames are masked; a mask of zeros leaves the payload as it is. */
function frameOf(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head =
    length < 126 ? [128 | length] : length < 65_536 ? [254, length >> 8, length & 255] : [255, 0, 0, 0, 0];
  const size = Buffer.alloc(length < 65_536 ? 0 : 4);
  if (length >= 65_536) size.writeUInt32BE(length);
  return Buffer.concat([Buffer.from([128 | opcode, ...head]), size, Buffer.alloc(4), payload]);
}
