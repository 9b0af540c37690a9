import type { FastifyRequest } from 'fastify';
import { fail } from '../../model/errors.ts';
import type { Api } from './route.ts';

/** What is registered at a path, to tell a path that is unknown from one that has other methods. */
interface KnownPath {
	readonly pattern: RegExp;
	readonly methods: Set<string>;
}

/** Answers 405 with `Allow` where the path is known, 404 elsewhere. */
export function installNotFound(app: Api): void {
	const known = new Map<string, KnownPath>();
	app.addHook('onRoute', (route) => {
		const entry = known.get(route.url) ?? { pattern: patternOf(route.url), methods: new Set<string>() };
		for (const method of [route.method].flat()) entry.methods.add(method);
		known.set(route.url, entry);
	});
	app.setNotFoundHandler((request: FastifyRequest) => {
		const path = request.url.split('?')[0] ?? '';
		const methods = new Set([...known.values()].filter(({ pattern }) => pattern.test(path)).flatMap((entry) => [...entry.methods]));
		if (methods.size === 0) throw fail('not-found', 'The resource could not be found.');
		throw fail('method-not-allowed', 'The method is not allowed for this resource.', {
			headers: { allow: [...methods].sort().join(', ') },
		});
	});
}

function patternOf(url: string): RegExp {
	const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part === '*' ? '.*' : part.replaceAll(/[.+()]/g, '\\$&')));
	return new RegExp(`^${parts.join('/')}$`);
}
