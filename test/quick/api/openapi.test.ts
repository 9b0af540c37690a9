import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { capsuleRoutes } from '../../../src/api/capsules/routes.ts';
import type { Api, RouteFacts } from '../../../src/api/http/route.ts';
import { identityRoutes } from '../../../src/api/identity/routes.ts';
import { networkRoutes } from '../../../src/api/network/routes.ts';
import { volumeRoutes } from '../../../src/api/volumes/routes.ts';
import { createNetworkControl } from '../../../src/control/networks/network-control.ts';
import { VolumeControl } from '../../../src/control/volume-control.ts';
import { EmbeddedIdentity } from '../../../src/providers/identity/embedded/embedded-identity.ts';
import { EmbeddedNetworkProvider } from '../../../src/providers/network/embedded/embedded-network-provider.ts';
import { ask, at, startApi } from '../../support/api-client.ts';
import { startControl, type TestControl } from '../../support/control.ts';
import { embeddedNetworkOptions } from '../../support/embedded-network.ts';

describe('openapi.json', () => {
	let api: Api;
	let control: TestControl;
	let document: unknown;
	before(async () => {
		control = await startControl();
		const { store } = control;
		const publicUrl = () => 'http://zunbox.test';
		const limits = { tokenLifetime: 3_600_000, passwordHashesAtOnce: 1, failuresBeforeDelay: 5, maxDelay: 60_000 };
		const identity = new EmbeddedIdentity({ store, publicUrl, ...limits });
		const provider = new EmbeddedNetworkProvider(store, embeddedNetworkOptions, () => {});
		const quotaLimits = (projectId: string) => control.quotas.limits(store.db, projectId);
		const networks = createNetworkControl({ store, provider, quotas: control.quotas, quotaLimits });
		api = await startApi(control.service, {}, [
			(app) => identityRoutes(app, { identity, publicUrl }),
			(app) => networkRoutes(app, { networks, publicUrl }),
			(app, context) => capsuleRoutes(app, context, control.service.capsules),
			(app) => volumeRoutes(app, { volumes: new VolumeControl(control.deps) }),
		]);
		document = (await ask(api, 'GET /openapi.json', { token: null })).body;
	});
	after(async () => {
		await api?.close();
		await control?.close();
	});

	test('the other APIs are in it too', () => {
		for (const start of ['/v1/', '/identity/v3/', '/network/v2.0/'])
			assert.ok(
				api.routes.some(({ url }) => url.startsWith(start)),
				start,
			);
	});

	const operationOf = ({ url, method }: RouteFacts) => at(document, 'paths', url.replaceAll(/:(\w+)/g, '{$1}'), method.toLowerCase());

	test('has every route, and no other', () => {
		const documented = Object.entries(at(document, 'paths') ?? {}).flatMap(([path, methods]) =>
			Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
		);
		const routes = api.routes.map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
		assert.deepEqual(documented.sort(), routes.sort());
	});

	test('each route has a summary, an id of its own, its policy and its answers', () => {
		const ids = new Set<unknown>();
		for (const route of api.routes) {
			const name = `${route.method} ${route.url}`;
			const operation = operationOf(route);
			assert.ok(at(operation, 'summary'), name);
			ids.add(at(operation, 'operationId'));
			assert.equal(at(operation, 'x-policy'), route.config.rule, name);
			const statuses = Object.keys(at(operation, 'responses') ?? {});
			assert.ok(
				statuses.some((status) => status.startsWith('2')),
				`${name} documents no success`,
			);
			if (route.config.rule !== 'public') assert.ok(statuses.includes('4XX'), `${name} documents no refusal`);
		}
		assert.equal(ids.size, api.routes.length);
	});

	test('each parameter of a path is documented and required', () => {
		for (const route of api.routes) {
			const parameters = at(operationOf(route), 'parameters');
			assert.ok(Array.isArray(parameters));
			const inPath = parameters.filter((parameter) => at(parameter, 'in') === 'path');
			assert.deepEqual(
				inPath.map((parameter) => at(parameter, 'name')),
				[...route.url.matchAll(/:(\w+)/g)].map(([, name]) => name),
				route.url,
			);
			for (const parameter of inPath) assert.equal(at(parameter, 'required'), true);
		}
	});

	test('what validates is what is documented', () => {
		for (const route of api.routes) {
			const operation = operationOf(route);
			const schema = at(operation, 'requestBody', 'content', 'application/json', 'schema');
			assert.equal(schema !== undefined, route.schema.body !== undefined, route.url);
			const query = Object.keys(at(route.schema.querystring, 'properties') ?? {});
			const merged = route.config.merge === true ? Object.keys(at(route.schema.body, 'properties') ?? {}) : [];
			const parameters = at(operation, 'parameters');
			assert.ok(Array.isArray(parameters));
			assert.deepEqual(
				parameters.filter((parameter) => at(parameter, 'in') === 'query').map((parameter) => at(parameter, 'name')),
				[...query, ...merged],
				route.url,
			);
		}
	});

	test('every reference leads somewhere', () => {
		const text = JSON.stringify(document);
		const names = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? ''));
		assert.ok(names.has('Container') && names.has('Sandbox') && names.has('Errors'));
		for (const name of names) assert.ok(at(document, 'components', 'schemas', name), name);
	});

	test('versions of routes and fields are in it', () => {
		assert.deepEqual(at(document, 'paths', '/v1/containers/{id}/rename', 'post', 'x-microversions'), { max: '1.13' });
		assert.equal(at(document, 'paths', '/v1/containers', 'post', 'x-field-microversions', 'mounts'), '1.11');
		assert.equal(at(document, 'openapi'), '3.1.0');
	});
});
