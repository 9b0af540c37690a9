import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import type { Column } from '../output/table.ts';
import { bytesText } from '../output/words.ts';
import { numberIn, type Resource, textIn, textsIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { forEach } from './each.ts';
import { seconds } from './units.ts';

const pathOf = (name: string): string => `/containers/${encodeURIComponent(name)}`;

export const logs: Action = async (context) => {
	const { input, io } = context;
	const client = await context.client();
	const [onlyOut, onlyErr] = [input.flag('stdout') === true, input.flag('stderr') === true];
	const since = input.text('since');
	const isFollowed = input.flag('follow') === true;
	const query = {
		stdout: onlyErr && !onlyOut ? false : undefined,
		stderr: onlyOut && !onlyErr ? false : undefined,
		timestamps: input.flag('timestamps'),
		tail: input.integer('tail'),
		since: since === undefined ? undefined : sinceTime(since, io.now()),
		follow: isFollowed ? true : undefined,
	};
	const path = `${pathOf(input.argument('container'))}/logs`;
	if (isFollowed) await pour(context, path, query);
	else {
		const text = await client.call('GET', path, { query });
		io.out.write(typeof text === 'string' ? text : '');
	}
	return exitCodes.ok;
};

/** A time ago in the API's form; a plain large number is seconds since 1970 already. */
function sinceTime(text: string, now: number): string {
	return /^\d{9,}$/.test(text) ? text : String(Math.floor(now / 1000) - seconds('--since', text));
}

/** Writes an answer to standard output while it comes, no faster than it is taken. */
async function pour(
	context: CommandContext,
	path: string,
	query: Readonly<Record<string, string | number | boolean | undefined>>,
): Promise<void> {
	const client = await context.client();
	const answer = await client.stream('GET', path, { query });
	for await (const chunk of answer) {
		context.io.out.write(chunk);
		await context.io.out.drained();
	}
}

/** Shows what the container writes until it ends. */
export async function followLogs(context: CommandContext, container: Resource): Promise<void> {
	await pour(context, `/containers/${textIn(container, 'uuid')}/logs`, { follow: true });
}

export const top: Action = async (context) => {
	const client = await context.client();
	const answer = await client.resource('GET', `${pathOf(context.input.argument('container'))}/top`, {
		query: { ps_args: context.input.text('ps-args') },
	});
	if (context.output.form === 'json') {
		context.output.json(answer);
		return exitCodes.ok;
	}
	const processes = answer['Processes'];
	const rows = Array.isArray(processes) ? processes.map((row: unknown) => textsIn({ row }, 'row')) : [];
	const columns = textsIn(answer, 'Titles').map(
		(title, index): Column<readonly string[]> => ({ title, value: (row) => row[index] ?? '', least: 8 }),
	);
	context.output.table(columns, rows);
	return exitCodes.ok;
};

const statsColumns: readonly Column<Resource>[] = [
	{ title: 'NAME', value: (row) => textIn(row, 'CONTAINER'), least: 12 },
	{ title: 'CPU', alignRight: true, value: (row) => `${(numberIn(row, 'CPU %') ?? 0).toFixed(1)} %` },
	{ title: 'MEMORY', alignRight: true, value: (row) => mebibytesText(row, 'MEM USAGE(MiB)') },
	{ title: 'LIMIT', alignRight: true, value: (row) => mebibytesText(row, 'MEM LIMIT(MiB)') },
	{ title: 'MEM', alignRight: true, value: (row) => `${(numberIn(row, 'MEM %') ?? 0).toFixed(1)} %` },
	{ title: 'NET IN/OUT', alignRight: true, value: (row) => bytePairs(textIn(row, 'NET I/O(B)')) },
	{ title: 'DISK READ/WRITTEN', alignRight: true, value: (row) => bytePairs(textIn(row, 'BLOCK I/O(B)')) },
	{ title: 'PIDS', alignRight: true, value: (row) => textIn(row, 'PIDS') },
];

function mebibytesText(row: Resource, field: string): string {
	return bytesText((numberIn(row, field) ?? 0) * 1024 * 1024);
}

function bytePairs(text: string): string {
	return text
		.split('/')
		.map((part) => bytesText(Number(part) || 0))
		.join(' / ');
}

export const stats: Action = async (context) => {
	const client = await context.client();
	const found = new Map<string, Resource>();
	const names = context.input.arguments('container');
	const code = await forEach(context, names, async (name) => {
		found.set(name, await client.resource('GET', `${pathOf(name)}/stats`));
	});
	const rows = names.map((name) => found.get(name)).filter((one) => one !== undefined);
	if (context.output.form === 'json') context.output.json(names.length === 1 ? (rows[0] ?? null) : rows);
	else if (rows.length > 0) context.output.table(statsColumns, rows);
	return code;
};
