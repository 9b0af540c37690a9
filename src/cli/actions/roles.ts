import { CliError, exitCodes, usageError } from '../exit-code.ts';
import type { Action } from '../tree/spec.ts';

export const serve: Action = async (context) => {
	const flags: Record<string, string> = {};
	const words = [...context.input.command];
	for (let word = words.shift(); word !== undefined; word = words.shift()) {
		const match = /^(--[a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(word);
		if (match === null) throw usageError(`"${word}" is no option; zunbox serve takes settings, such as --listen-port 9000`);
		const [, name = '', given] = match;
		const value = given ?? words.shift();
		if (value === undefined) throw usageError(`${name} needs a value`);
		flags[name] = value;
	}
	const { '--config': file, ...settings } = flags;
	return await context.roles.serve({ ...(file === undefined ? {} : { file }), flags: settings });
};

export const agent: Action = async () => {
	throw new CliError('agents of other hosts are not there yet; zunbox serve runs the agent of its own host');
};

export const backUpDatabase: Action = async (context) => {
	const target = context.input.argument('file');
	const replace = context.input.flag('force') === true;
	const { bytes } = await context.roles.backUpDatabase(await context.dataDirectory(), target, { replace });
	context.output.done(`${target} is written (${bytes} bytes) and checked`);
	return exitCodes.ok;
};

export const checkDatabase: Action = async (context) => {
	const problems = await context.roles.checkDatabase(await context.dataDirectory());
	if (problems.length > 0) throw new CliError(`the database is not whole: ${problems.slice(0, 5).join('; ')}; put a backup in its place`);
	context.output.done('the database is whole');
	return exitCodes.ok;
};

export const rotateKeys: Action = async (context) => {
	const count = await context.roles.rotateKeys(await context.dataDirectory());
	context.output.done(`a new key is made, and ${count} secrets are sealed with it`);
	return exitCodes.ok;
};

export const resetAdministrator: Action = async (context) => {
	await context.roles.resetAdministrator(await context.dataDirectory());
	context.output.done('the next start chooses a new password for admin, and writes it into the folder credentials');
	return exitCodes.ok;
};
