import assert from 'node:assert/strict';
import type { Api, RouteFacts } from '../../src/api/http/route.ts';
import { maximumVersion, minimumVersion } from '../../src/api/microversion/version.ts';
import { type Answer, type Ask, ask } from './api-client.ts';

/** The route, as `GET /v1/containers/:id`, that serves a request; null when none does. */
function routeOf(routes: readonly RouteFacts[], method: string, url: string): string | null {
	const parts = (url.split('?')[0] ?? '').split('/');
	const fits = (route: RouteFacts) => {
		const pattern = route.url.split('/');
		return (
			pattern.length === parts.length && pattern.every((part, index) => part === parts[index] || (part.startsWith(':') && parts[index]))
		);
	};
	const parameters = (route: RouteFacts) => route.url.split('/').filter((part) => part.startsWith(':')).length;
	const [best] = routes.filter((route) => route.method === method && fits(route)).sort((a, b) => parameters(a) - parameters(b));
	return best === undefined ? null : `${best.method} ${best.url}`;
}

/**
 * Notes which routes were really asked at which versions, and answered as they must: what counts is the request that
 * was sent, not what a test says of itself.
 */
export class VersionLedger {
	readonly #seen = new Map<string, Set<number>>();

	/** Sends a request at a version and compares the status of its answer, and what it says of versions. */
	async ask(api: Api, line: string, minor: number, status: number, options: Omit<Ask, 'version'> = {}): Promise<Answer> {
		const answer = await ask(api, line, { ...options, version: `1.${minor}` });
		assert.equal(answer.status, status, `${line} at 1.${minor}: ${answer.text}`);
		assert.equal(answer.headers['openstack-api-version'], `container 1.${minor}`, line);
		assert.equal(answer.headers['openstack-api-minimum-version'], `container ${minimumVersion}`, line);
		assert.equal(answer.headers['openstack-api-maximum-version'], `container ${maximumVersion}`, line);
		assert.equal(answer.headers['vary'], 'OpenStack-API-Version', line);
		this.note(api, line, minor);
		return answer;
	}

	/** For a request that was sent in another way. */
	note(api: Api, line: string, minor: number): void {
		const [method = '', url = ''] = line.split(' ');
		const route = routeOf(api.routes, method, url);
		if (route === null) throw new Error(`no route serves ${line}`);
		this.#seen.set(route, (this.#seen.get(route) ?? new Set()).add(minor));
	}

	/** The routes that were not asked at each of the versions, with those that are missing. */
	missing(routes: readonly string[], minors: readonly number[]): readonly string[] {
		return routes.flatMap((route) => {
			const left = minors.filter((minor) => this.#seen.get(route)?.has(minor) !== true);
			return left.length === 0 ? [] : [`${route} at ${left.map((minor) => `1.${minor}`).join(', ')}`];
		});
	}
}
