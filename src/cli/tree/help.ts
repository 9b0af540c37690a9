import { exitCodes } from '../exit-code.ts';
import { wrap } from '../output/wrap.ts';
import type { ArgumentSpec, CommandSpec, GroupSpec, OptionSpec } from './spec.ts';

/** Help of a command, of a group, or with an empty path of the whole program. */
export function renderHelp(path: string, commands: readonly CommandSpec[], groups: readonly GroupSpec[], width: number): string {
	const spec = commands.find((command) => command.path === path);
	if (spec !== undefined) return commandHelp(spec, width);
	const group = groups.find((candidate) => candidate.path === path);
	return group === undefined ? programHelp(commands, groups, width) : groupHelp(group, commands, width);
}

function programHelp(commands: readonly CommandSpec[], groups: readonly GroupSpec[], width: number): string {
	const single = commands.filter((command) => !command.hidden && !command.path.includes(' '));
	const nested = groups.filter(({ path }) => !path.includes(' '));
	const options = commands.flatMap((command) => command.options ?? []).filter((option) => option.everywhere);
	const everywhere = [...new Map(options.map((option) => [option.name, option])).values()];
	return [
		'Containers in sandboxes that own their network, volumes and limits.\n',
		'Usage: zunbox <command> [options]\n',
		section(
			'Commands',
			single.map(({ path, summary }) => [path, summary]),
			width,
		),
		section(
			'Commands by what they are about',
			nested.map(({ path, summary }) => [`${path} …`, summary]),
			width,
		),
		section(
			'Options of every command that speaks with the service',
			everywhere.map((option) => [optionText(option), option.summary]),
			width,
		),
		`${wrap('It finds the local service and its credentials by itself. OS_AUTH_URL and its kind, or --os-cloud, lead to another service.', width).join('\n')}\n`,
		`Exit codes: ${exitCodes.ok} done, ${exitCodes.failed} failed, ${exitCodes.usage} wrong usage, ${exitCodes.notFound} not found, ${exitCodes.noService} no service; exec and run --follow: that of the command.\n`,
		'Example:\n  zunbox run --name web nginx\n\nzunbox <command> --help tells more of each.\n',
	].join('\n');
}

function groupHelp(group: GroupSpec, commands: readonly CommandSpec[], width: number): string {
	const members = commands.filter((command) => !command.hidden && command.path.startsWith(`${group.path} `));
	const example = members[0]?.examples[0] ?? '';
	return [
		`${group.summary}\n`,
		`Usage: zunbox ${group.path} <command> [options]\n`,
		section(
			'Commands',
			members.map(({ path, summary }) => [path.slice(group.path.length + 1), summary]),
			width,
		),
		`Example:\n  ${example}\n`,
	].join('\n');
}

function commandHelp(spec: CommandSpec, width: number): string {
	const options = (spec.options ?? []).filter((option) => !option.everywhere);
	const speaks = spec.options?.some((option) => option.everywhere) ?? false;
	return [
		`${wrap(spec.summary, width).join('\n')}\n`,
		...(spec.details === undefined ? [] : [`${wrap(spec.details, width).join('\n')}\n`]),
		`Usage: zunbox ${spec.path}${options.length > 0 ? ' [options]' : ''}${(spec.arguments ?? []).map((one) => ` ${argumentText(one)}`).join('')}${commandText(spec)}\n`,
		section(
			'Arguments',
			(spec.arguments ?? []).map((one) => [`<${one.name}>`, argumentSummary(one)]),
			width,
		),
		section(
			'Options',
			options.map((option) => [optionText(option), optionSummary(option)]),
			width,
		),
		`${spec.examples.length > 1 ? 'Examples' : 'Example'}:\n${spec.examples.map((example) => `  ${example}`).join('\n')}\n`,
		...(speaks ? ['See also zunbox --help for the options of every command.\n'] : []),
	]
		.filter((part) => part !== '')
		.join('\n');
}

export function commandText(spec: CommandSpec): string {
	return spec.command === undefined ? '' : spec.command === 'required' ? ' <command…>' : ' [command…]';
}

export function argumentText(argument: ArgumentSpec): string {
	const text = `${argument.name}${argument.repeat ? '…' : ''}`;
	return argument.optional ? `[${text}]` : `<${text}>`;
}

function argumentSummary(argument: ArgumentSpec): string {
	return argument.choices === undefined ? argument.summary : `${argument.summary}: ${argument.choices.join(', ')}`;
}

export function optionText(option: OptionSpec): string {
	const short = option.short === undefined ? '    ' : `-${option.short}, `;
	const name = option.negatable ? `--[no-]${option.name}` : `--${option.name}`;
	return `${short}${name}${option.value === undefined ? '' : ` <${option.value}>`}`;
}

export function optionSummary(option: OptionSpec): string {
	const choices = option.choices === undefined ? '' : `: ${option.choices.join(', ')}`;
	return `${option.summary}${choices}${option.repeat ? ' (may be repeated)' : ''}`;
}

/** Titles on the left, what they mean on the right. */
function section(title: string, entries: readonly (readonly [string, string])[], width: number): string {
	if (entries.length === 0) return '';
	const left = Math.min(34, Math.max(...entries.map(([name]) => name.length)));
	const lines = entries.flatMap(([name, summary]) => {
		const [first = '', ...more] = wrap(summary, Math.max(30, width - left - 4));
		const head = name.length > left ? [`  ${name}`, `  ${' '.repeat(left)}  ${first}`] : [`  ${name.padEnd(left)}  ${first}`];
		return [...head, ...more.map((line) => `  ${' '.repeat(left)}  ${line}`)];
	});
	return `${title}:\n${lines.join('\n')}\n`;
}
