import type { CommandContext, ConfigurationSources } from '../context.ts';

/** From where the service's own configuration is read: --config, environment, --data-directory. */
export function configuration(context: CommandContext): ConfigurationSources {
	const file = context.input.text('config');
	const dataDirectory = context.input.text('data-directory');
	return {
		environment: context.io.environment,
		...(file === undefined ? {} : { file }),
		flags: dataDirectory === undefined ? {} : { dataDirectory },
	};
}
