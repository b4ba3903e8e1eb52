import { ServerConnection } from '@jupyterlab/services';
import { describe, expect, it } from 'vitest';
import { RegistryClient } from '../registryClient';
import { aGate } from './registryFakes';

/** A client whose server answers `{}`, and the requests that it sent. */
function aClient() {
  const sent: Request[] = [];
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://lab/',
    token: '',
    fetch: async (request: RequestInfo | URL) => {
      sent.push(request as Request);
      return new Response('{}');
    }
  });
  return { client: new RegistryClient(settings), sent };
}

type Call = (client: RegistryClient) => Promise<unknown>;

const CALLS: [Call, string, string, unknown][] = [
  [c => c.dataset('a/b'), 'GET', 'datasets/a%2Fb', null],
  [c => c.editDataset('d', null, { owner: 'ada' }), 'PATCH', 'datasets/d', { owner: 'ada' }],
  [
    c => c.editDataset('d', 2, { tags: { a: null } }),
    'PATCH',
    'datasets/d/versions/2',
    { tags: { a: null } }
  ],
  [c => c.profile('d', 2), 'GET', 'datasets/d/versions/2/profile', null],
  [c => c.diff('d', 1, 2), 'GET', 'datasets/d/diff?before=1&after=2', null],
  [
    c => c.diff('d', 1, 2, ['id', 'day']),
    'GET',
    'datasets/d/diff?before=1&after=2&keys=id&keys=day',
    null
  ],
  [c => c.expectations('d'), 'GET', 'datasets/d/expectations', null],
  [c => c.report('d', 2), 'GET', 'datasets/d/versions/2/check', null],
  [c => c.check('d', 2), 'POST', 'datasets/d/versions/2/check', {}],
  [
    c => c.setAlias('datasets', 'd', 'prod', { version: 2, reason: 'clean', new: true }),
    'PUT',
    'datasets/d/aliases/prod',
    { version: 2, reason: 'clean', new: true }
  ],
  [
    c => c.deleteAlias('models', 'm', 'champion', 'a & b'),
    'DELETE',
    'models/m/aliases/champion?reason=a%20%26%20b',
    null
  ],
  [c => c.moves('models', 'm', 'champion'), 'GET', 'models/m/aliases/champion/moves', null],
  [c => c.card('m', 3), 'GET', 'models/m/versions/3/card', null],
  [c => c.setCard('m', 3, '# m'), 'PUT', 'models/m/versions/3/card', { card: '# m' }],
  [c => c.review('m', 3, 'champion'), 'GET', 'models/m/versions/3/review?alias=champion', null],
  [
    c => c.approve('m', 3, 'champion', { approved: null, reason: '' }),
    'PUT',
    'models/m/versions/3/approvals/champion',
    { approved: null, reason: '' }
  ],
  [
    c => c.setGates('m', 'champion', [aGate()], ['acc']),
    'PUT',
    'models/m/gates/champion',
    { gates: [aGate()], new_metrics: ['acc'] }
  ],
  [
    c => c.rollback('m', 'champion', 'worse'),
    'POST',
    'models/m/aliases/champion/rollback',
    { reason: 'worse' }
  ],
  [c => c.feature('v'), 'GET', 'features/v', null],
  [c => c.impact('dataset:d@2'), 'GET', 'impact?node=dataset%3Ad%402', null],
  [
    c => c.audit({ subject: 'model:m', before: 7, limit: 50 }),
    'GET',
    'audit?subject=model%3Am&before=7&limit=50',
    null
  ],
  [c => c.access(), 'GET', 'access', null]
];

describe('requests to the registries', () => {
  it.each(CALLS)('%s is %s %s', async (call, method, address, body) => {
    const { client, sent } = aClient();
    await call(client);
    const [request] = sent;
    const text = await request.text();
    expect([
      request.method,
      request.url.replace('http://lab/jupyter-mlops/api/', '').replace(/[?&]\d+$/, ''),
      text ? JSON.parse(text) : null
    ]).toEqual([method, address, body]);
  });
});
