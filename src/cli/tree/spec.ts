import type { CommandContext } from '../context.ts';

/** Things whose names the shell can complete. */
const nameKinds = [
	'container',
	'sandbox',
	'capsule',
	'network',
	'security-group',
	'volume',
	'registry',
	'project',
	'user',
	'host',
] as const;
export type NameKind = (typeof nameKinds)[number];

export interface ArgumentSpec {
	readonly name: string;
	readonly summary: string;
	readonly optional?: true;
	/** It may be given several times; only the last argument may. */
	readonly repeat?: true;
	readonly of?: NameKind;
	readonly choices?: readonly string[];
}

export interface OptionSpec {
	/** Without the dashes. */
	readonly name: string;
	/** One letter. */
	readonly short?: string;
	/** How its value is called; missing = a switch. */
	readonly value?: string;
	readonly summary: string;
	readonly repeat?: true;
	/** A switch that is also known as --no-<name>. */
	readonly negatable?: true;
	readonly choices?: readonly string[];
	readonly of?: NameKind;
	/** Not told by each command's help: `zunbox --help` does. */
	readonly everywhere?: true;
}

/** Does what the command is for; answers the exit code. */
export type Action = (context: CommandContext) => Promise<number>;

/** A command, from which its parser, help, completion and reference are made. */
export interface CommandSpec {
	/** Words that call it, such as `sandbox create`. */
	readonly path: string;
	readonly summary: string;
	/** More about it, for its help. */
	readonly details?: string;
	readonly arguments?: readonly ArgumentSpec[];
	readonly options?: readonly OptionSpec[];
	/** At least one call as it would be typed. */
	readonly examples: readonly [string, ...string[]];
	/** After its arguments comes a command for somebody else, with options that are not ours. */
	readonly command?: 'optional' | 'required';
	/** All that follows is settings of the service, which the action reads itself. */
	readonly settings?: true;
	/** Not in help: for scripts of ours. */
	readonly hidden?: true;
	/** Loads the code, which no other command pays for. */
	readonly load: () => Promise<Action>;
}

/** A word that commands begin with. */
export interface GroupSpec {
	readonly path: string;
	readonly summary: string;
}
