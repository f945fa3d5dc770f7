import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as a collector gets it; times in ms since the epoch. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The message of the status, when that is an error. */
  readonly error: string | undefined;
}

/** A collector that takes OTLP as JSON. */
export interface OtlpServer {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Attributes of the last resource. */
  readonly resource: () => Readonly<Record<string, unknown>>;
  /** Path and headers of each request, and its body as it came. */
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }[];
  /** How it answers from now on: by a status, or not at all. */
  answer(how: number | 'never'): void;
  stop(): Promise<void>;
}

export async function startOtlpServer(): Promise<OtlpServer> {
  const spans: ReceivedSpan[] = [];
  const requests: { path: string; headers: IncomingHttpHeaders; body: string }[] = [];
  let resource: Readonly<Record<string, unknown>> = {};
  let how: number | 'never' = 200;
  const server = createServer((request, response: ServerResponse) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers, body });
      if (how === 'never') return;
      if (how === 200)
        for (const { resource: of, scopeSpans } of (JSON.parse(body) as OtlpBody).resourceSpans) {
          resource = attributesOf(of.attributes);
          spans.push(...scopeSpans.flatMap((scope) => scope.spans.map(received)));
        }
      response.writeHead(how, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    resource: () => resource,
    requests,
    answer(next) {
      how = next;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}
interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly OtlpValue[] };
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly status?: { readonly code?: number; readonly message?: string };
}
interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const ERROR = 2;

const received = ({
  traceId,
  spanId,
  parentSpanId,
  name,
  startTimeUnixNano,
  endTimeUnixNano,
  attributes,
  status,
}: OtlpSpan): ReceivedSpan => ({
  traceId,
  spanId,
  parentSpanId: parentSpanId === '' ? undefined : parentSpanId,
  name,
  startMs: Number(BigInt(startTimeUnixNano) / 1_000n) / 1_000,
  endMs: Number(BigInt(endTimeUnixNano) / 1_000n) / 1_000,
  attributes: attributesOf(attributes),
  error: status?.code === ERROR ? (status.message ?? '') : undefined,
});

const attributesOf = (attributes: readonly OtlpAttribute[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));

const plainValue = (value: OtlpValue): unknown =>
  value.arrayValue?.values.map(plainValue) ??
  value.stringValue ??
  value.boolValue ??
  value.doubleValue ??
  (value.intValue === undefined ? undefined : Number(value.intValue));

/** The spans of a trace as nested names, in the order in which they began. */
export function spanTree(spans: readonly ReceivedSpan[], parent?: string): readonly string[] {
  const children = spans.filter(({ parentSpanId }) => parentSpanId === parent).sort((a, b) => a.startMs - b.startMs);
  return children.flatMap(({ spanId, name }) => [name, ...spanTree(spans, spanId).map((inner) => `  ${inner}`)]);
}
