export interface ClientResponse {
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly latencyMs: number;
  /** 0 if no response came. */
  readonly status: number;
  readonly stale: boolean;
  readonly error: string | undefined;
}

export interface Client {
  get(path: string, token: string): Promise<ClientResponse>;
  close(): void;
}

export function createClient(port: number, giveUpAfterMs: number): Client;
