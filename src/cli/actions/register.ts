import { CliError, exitCodes } from '../exit-code.ts';
import { readAuthority } from '../session/http.ts';
import type { Action } from '../tree/spec.ts';
import { configuration } from './configuration.ts';

/** Makes the service known at Keystone, as an administrator of the cloud. */
export const register: Action = async (context) => {
	const { input, io, output } = context;
	const { findCredentials } = await import('../session/credentials.ts');
	const cloud = input.text('os-cloud');
	const found = await findCredentials({ environment: io.environment, ...(cloud === undefined ? {} : { cloud }) });
	if (found.password === null || (found.username === null && found.userId === null)) {
		throw new CliError(`${found.source} has no user and password: this needs those of an administrator of the cloud`);
	}
	const { steps, loginProblem } = await context.roles.register(
		{
			sources: configuration(context),
			administrator: { ...found, password: found.password, authority: found.caFile === null ? null : readAuthority(found.caFile) },
			region: input.text('region') ?? found.region,
			urls: {
				public: input.text('public-url') ?? null,
				internal: input.text('internal-url') ?? null,
				admin: input.text('admin-url') ?? null,
			},
		},
		io.signal,
	);
	if (output.form === 'json') output.json({ steps, login_problem: loginProblem });
	else {
		output.table(
			[
				{ title: 'WHAT', value: ({ what }) => what },
				{ title: 'RESULT', value: ({ done }) => done },
			],
			steps,
		);
	}
	if (loginProblem === null) return exitCodes.ok;
	throw new CliError(`all is registered, but the service's own user cannot log in: ${loginProblem}`);
};
