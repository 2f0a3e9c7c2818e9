export interface Answer {
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly latencyMs: number;
  /** 0: none came. */
  readonly status: number;
  readonly stale: boolean;
  readonly error: string | undefined;
}

export interface Client {
  get(path: string, token: string): Promise<Answer>;
  close(): void;
}

export function createClient(port: number, patienceMs: number): Client;
