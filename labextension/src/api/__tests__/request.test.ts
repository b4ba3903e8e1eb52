import { ServerConnection } from '@jupyterlab/services';
import { describe, expect, it } from 'vitest';
import { Client } from '../client';
import { apiUrl, RequestError } from '../request';

/** Settings whose server gives one answer; the requests are kept. */
function serverThat(answer: () => Response | Promise<Response>) {
  const requests: Request[] = [];
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://lab/base/',
    token: '',
    fetch: async (request: RequestInfo | URL) => {
      requests.push(request as Request);
      return answer();
    }
  });
  return { client: new Client(settings), requests, settings };
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status });
}

describe('addresses', () => {
  const { settings } = serverThat(() => json({}));

  it('leave empty query values out and write booleans as 0 and 1', () => {
    const query = { filter: '', order_by: 'started desc', archived: false, limit: 5, x: null };
    expect(apiUrl(settings, ['runs'], query)).toBe(
      'http://lab/base/jupyter-mlops/api/runs?order_by=started%20desc&archived=0&limit=5'
    );
  });

  it('escape names, but keep the folders of an artifact', () => {
    expect(apiUrl(settings, ['datasets', 'a/b c'])).toMatch(/datasets\/a%2Fb%20c$/);
    expect(new Client(settings).artifactUrl('R', 'figures/roc 1.png')).toMatch(
      /runs\/R\/artifacts\/figures\/roc%201\.png$/
    );
  });
});

describe('requests', () => {
  it('send JSON with the verb of the contract', async () => {
    const { client, requests } = serverThat(() => json({ name: 'm' }));
    await client.editRun('R', { archived: true });
    expect(requests[0].method).toBe('PATCH');
    expect(new URL(requests[0].url).pathname).toBe('/base/jupyter-mlops/api/runs/R');
    expect(await requests[0].json()).toEqual({ archived: true });
  });

  it('fail with the words of the server', async () => {
    const { client } = serverThat(() =>
      json({ code: 'invalid_filter', message: 'Expected an operator at 6.' }, 400)
    );
    await expect(client.runs({ filter: 'bogus' })).rejects.toEqual(
      new RequestError('invalid_filter', 'Expected an operator at 6.', 400)
    );
  });

  it.each([
    [404, 'not_found', /server extension enabled/],
    [403, 'forbidden', /sign in/],
    [502, 'error', /HTTP 502/]
  ])('explain a %i without our body', async (status, code, message) => {
    const { client } = serverThat(() => new Response('<html>proxy</html>', { status }));
    const error: RequestError = await client.status().catch(thrown => thrown);
    expect([error.code, error.status]).toEqual([code, status]);
    expect(error.message).toMatch(message);
  });

  it('say so when no server answers', async () => {
    const { client } = serverThat(() => Promise.reject(new TypeError('refused')));
    await expect(client.jobs()).rejects.toMatchObject({ code: 'unreachable', status: 0 });
  });

  it('say so when the answer is not JSON', async () => {
    const { client } = serverThat(() => new Response('<html>login</html>'));
    await expect(client.jobs()).rejects.toMatchObject({ code: 'error' });
  });
});
