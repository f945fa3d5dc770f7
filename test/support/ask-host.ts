import { request } from 'node:http';

/** An answer through Traefik; an error counts as status 0. */
export interface HostAnswer {
  readonly status: number;
  readonly body: string;
}

/** One request for a host, on a connection of its own. */
export function askHost(url: string, host: string): Promise<HostAnswer> {
  return new Promise((resolve) => {
    const sending = request(url, { headers: { host }, agent: false }, (response) => {
      response.toArray().then(
        (chunks) => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks as Buffer[]).toString() }),
        () => resolve({ status: 0, body: '' }),
      );
    });
    sending.on('error', () => resolve({ status: 0, body: '' }));
    sending.end();
  });
}
