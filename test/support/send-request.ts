import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { RuleRequest } from './rule-cases.ts';

/** What a gateway answered: the status, and the headers with names in lower case. */
export interface GatewayAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

/**
 * Sends requests one after the other on one connection, byte for byte as they are: clients of Node would refuse some paths and change
 * others. The answers must have no body.
 */
export async function sendRequests(url: string, requests: readonly RuleRequest[]): Promise<readonly GatewayAnswer[]> {
  const { protocol, hostname, port, host } = new URL(url);
  const place = { host: hostname, port: Number(port) };
  const socket = protocol === 'https:' ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place);
  socket.setTimeout(30_000, () => socket.destroy(new Error('the gateway does not answer')));
  const answers: GatewayAnswer[] = [];
  let text = '';
  try {
    socket.write(requests.map((request) => textOf(request, host)).join(''));
    for await (const chunk of socket) {
      text += String(chunk);
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const answer = answerOf(text.slice(0, end));
        const length = requests[answers.length]?.method === 'HEAD' ? 0 : Number(answer.headers.get('content-length') ?? 0);
        if (text.length < end + 4 + length) break;
        answers.push(answer);
        text = text.slice(end + 4 + length);
      }
      if (answers.length === requests.length) return answers;
    }
    throw new Error(`only ${answers.length} of ${requests.length} requests were answered`);
  } finally {
    socket.destroy();
  }
}

function textOf({ method, target, host, headers = {} }: RuleRequest, ownHost: string): string {
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
  return `${method} ${target} HTTP/1.1\r\nHost: ${host ?? ownHost}\r\n${lines.join('')}\r\n`;
}

function answerOf(head: string): GatewayAnswer {
  const [status = '', ...lines] = head.split('\r\n');
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const),
  );
  return { status: Number(status.split(' ')[1]), headers };
}
