/** Logs in and consents at the development pages of oidc-provider, as a user in a browser does. It keeps the cookies. */
export interface UserAgent {
  /** The client's redirect URI, to which the authorization server finally redirects the browser. */
  authorize(url: URL, login: string): Promise<URL>;
  /** Logs out at the page of the authorization server, of all its clients. */
  logOut(issuer: string): Promise<void>;
}

const MAX_STEPS = 12;

export function createUserAgent(): UserAgent {
  const cookies = new Map<string, string>();

  async function visit(url: URL, form?: Record<string, string>): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) as unknown as [string, string, string];
      cookies.set(name, value);
    }
    return response;
  }

  return {
    async logOut(issuer) {
      const page = await visit(new URL(`${issuer}/session/end`));
      const xsrf = /name="xsrf" value="(\w+)"/.exec(await page.text())?.[1];
      if (xsrf === undefined) throw new Error(`The logout page answered ${page.status} without a form`);
      await visit(new URL(`${issuer}/session/end/confirm`), { xsrf, logout: 'yes' });
    },
    async authorize(start, login) {
      let url = start;
      let response = await visit(url);
      for (let step = 0; step < MAX_STEPS; step++) {
        const location = response.headers.get('location');
        if (location !== null) {
          url = new URL(location, url);
          if (url.origin !== start.origin) return url;
          response = await visit(url);
          continue;
        }
        const prompt = /name="prompt" value="(\w+)"/.exec(await response.text())?.[1];
        if (prompt === undefined) throw new Error(`${url.pathname} answered ${response.status} without a form`);
        response = await visit(url, { prompt, ...(prompt === 'login' && { login, password: 'any' }) });
      }
      throw new Error('The authorization server led nowhere');
    },
  };
}
