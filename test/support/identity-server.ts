import Fastify from 'fastify';
import type { TSchema } from 'typebox';
import { errorFormOf, renderError } from '../../src/api/errors.ts';
import { installBodyParser } from '../../src/api/http/body.ts';
import { normalizeUrl } from '../../src/api/http/paths.ts';
import type { Api, TypeboxProvider } from '../../src/api/http/route.ts';
import { compileSchema } from '../../src/api/http/validate.ts';
import { identityRoutes } from '../../src/api/identity/routes.ts';
import { EmbeddedIdentity, type EmbeddedIdentityOptions } from '../../src/providers/identity/embedded/embedded-identity.ts';
import { Store } from '../../src/store/store.ts';

/** Cheap, for tests that are not about the strength of hashes. */
export const cheapHash = { cost: 16, blockSize: 1, parallelization: 1 };

/** An embedded identity over a database in memory, with a clock that the test may set. */
export class TestIdentity {
	readonly store: Store;
	readonly identity: EmbeddedIdentity;
	readonly clock: { now: number };

	private constructor(store: Store, options: Partial<EmbeddedIdentityOptions>) {
		this.store = store;
		this.clock = { now: Date.UTC(2030, 0, 1) };
		this.identity = new EmbeddedIdentity({
			store,
			publicUrl: () => 'http://127.0.0.1:9517',
			tokenLifetime: 3_600_000,
			passwordHashesAtOnce: 2,
			failuresBeforeDelay: 5,
			maxDelay: 60_000,
			hashCost: cheapHash,
			now: () => this.clock.now,
			...options,
		});
	}

	static async open(options: Partial<EmbeddedIdentityOptions> = {}): Promise<TestIdentity> {
		return new TestIdentity(await Store.open({ path: ':memory:' }), options);
	}

	/** A user with its password `secret` and one role in a project of its own or in the given one. */
	async user(name: string, role: 'admin' | 'member' | 'reader', projectName = name): Promise<{ userId: string; projectId: string }> {
		const [there] = await this.identity.projects.list({ name: projectName });
		const project = there ?? (await this.identity.projects.create({ name: projectName, description: '', enabled: true }));
		const user = await this.identity.users.create({
			name,
			password: 'secret',
			description: '',
			email: null,
			enabled: true,
			defaultProjectId: project.id,
		});
		await this.identity.assignments.add({ userId: user.id, projectId: project.id, role });
		return { userId: user.id, projectId: project.id };
	}

	/** A token of a user made by `user`. */
	async token(name: string): Promise<string> {
		const issued = await this.identity.login({ method: 'password', user: { name }, password: 'secret', scope: { type: 'default' } }, '::1');
		return issued.token;
	}

	close(): Promise<void> {
		return this.store.close();
	}
}

/** The identity API alone on a server of its own. */
export function identityServer(identity: EmbeddedIdentity, publicUrl: () => string): Api {
	const app: Api = Fastify({
		exposeHeadRoutes: false,
		rewriteUrl: (request) => normalizeUrl(request.url ?? '/'),
	}).withTypeProvider<TypeboxProvider>();
	app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => compileSchema(schema, httpPart ?? 'body'));
	app.setSerializerCompiler(() => (value) => JSON.stringify(value));
	app.setErrorHandler((error, request, reply) => {
		const context = { form: errorFormOf(request.url), requestId: request.id, authUrl: identity.authUrl, helpUrl: '' };
		const { status, headers, body } = renderError(error, context);
		return reply.code(status).headers(headers).send(body);
	});
	installBodyParser(app);
	app.register(async (scope) => identityRoutes(scope, { identity, publicUrl }));
	return app;
}
