import type { CommandSpec } from '../tree/spec.ts';

export interface CompletedOption {
	/** Every way to write it. */
	readonly words: readonly string[];
	readonly summary: string;
	readonly takesValue: boolean;
	readonly choices: readonly string[] | null;
	readonly of: string | null;
}

/** What can follow the words of a command or of the beginning of one. */
export interface Node {
	readonly path: string;
	readonly subcommands: readonly { readonly word: string; readonly summary: string }[];
	readonly options: readonly CompletedOption[];
	readonly arguments: readonly { readonly choices: readonly string[] | null; readonly of: string | null; readonly repeats: boolean }[];
	/** After how many arguments a command for somebody else begins; null = never. */
	readonly commandAfter: number | null;
}

const help: CompletedOption = { words: ['--help'], summary: 'Show help', takesValue: false, choices: null, of: null };

/** Every place in the commands where something can be completed, the whole program first. */
export function completionTree(commands: readonly CommandSpec[], settingFlags: readonly string[]): readonly Node[] {
	const shown = commands.filter((command) => !command.hidden);
	const prefixes = new Set(['']);
	for (const { path } of shown) {
		const words = path.split(' ');
		for (let length = 1; length < words.length; length += 1) prefixes.add(words.slice(0, length).join(' '));
	}
	const inner = [...prefixes].map((path): Node => {
		const start = path === '' ? '' : `${path} `;
		const subcommands = new Map<string, string>();
		for (const command of shown) {
			if (!command.path.startsWith(start)) continue;
			const [word = '', ...more] = command.path.slice(start.length).split(' ');
			if (!subcommands.has(word)) subcommands.set(word, more.length === 0 ? command.summary : `commands on ${word}`);
		}
		const options = path === '' ? [help, { ...help, words: ['--version'], summary: 'Show the version' }] : [help];
		return {
			path,
			subcommands: [...subcommands].map(([word, summary]) => ({ word, summary })),
			options,
			arguments: [],
			commandAfter: null,
		};
	});
	return [...inner, ...shown.map((command) => leaf(command, settingFlags))];
}

function leaf(command: CommandSpec, settingFlags: readonly string[]): Node {
	const options = (command.options ?? []).map((option): CompletedOption => {
		const short = option.short === undefined ? [] : [`-${option.short}`];
		return {
			words: [`--${option.name}`, ...(option.negatable ? [`--no-${option.name}`] : []), ...short],
			summary: option.summary,
			takesValue: option.value !== undefined,
			choices: option.choices ?? null,
			of: option.of ?? null,
		};
	});
	const settings = (command.settings ? settingFlags : []).map(
		(flag): CompletedOption => ({ words: [flag], summary: 'Setting', takesValue: true, choices: null, of: null }),
	);
	return {
		path: command.path,
		subcommands: [],
		options: [...options, ...settings, help],
		arguments: (command.arguments ?? []).map(({ choices, of, repeat }) => ({
			choices: choices ?? null,
			of: of ?? null,
			repeats: repeat ?? false,
		})),
		commandAfter: command.command ? (command.arguments?.length ?? 0) : null,
	};
}
