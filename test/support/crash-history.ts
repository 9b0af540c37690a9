/** Whether a history of requests and what came of them fit: nothing lost, nothing done twice, every deletion ended. */
import type { Entry } from './crash-load.ts';
import { query } from './leaks.ts';

type Row = ReturnType<typeof query>[number];

/** What does not fit, in words; empty = all does. Only when everything is at rest. */
export function judgeHistory(history: readonly Entry[], database: string): readonly string[] {
	const facts = new Facts(database);
	return [
		...judgeCreations(history, facts),
		...judgeDeletions(history, facts),
		...judgeOperations(history, facts),
		...judgeOutcomes(history, facts),
		...facts.twiceMade(),
		...refusals(history),
	];
}

/** What the database says at the end. */
class Facts {
	/** Rows that are there, by id. */
	readonly rows: ReadonlyMap<string, Row>;
	readonly operations: readonly Row[];
	readonly events: readonly Row[];

	constructor(database: string) {
		const all = (kind: string): readonly Row[] => query(database, `select * from ${kind}`);
		const things = [...all('sandbox'), ...all('container'), ...all('volume'), ...all('security_group')];
		this.rows = new Map(things.map((row) => [String(row['id']), row]));
		this.operations = all('operation');
		this.events = all('event');
	}

	countEvents(kind: string, id: string): number {
		const column = kind.startsWith('container.') ? 'container_id' : 'sandbox_id';
		return this.events.filter((event) => event['kind'] === kind && event[column] === id).length;
	}

	/** Names that are a request's own and were given to two things. */
	twiceMade(): readonly string[] {
		const made = this.events.filter((event) => event['kind'] === 'sandbox.created' || event['kind'] === 'container.created');
		const names = made.map((event) => `${event['kind']} ${nameOf(event)}`).filter((name) => /-\d+-\d+$/.test(name));
		return [...Map.groupBy(names, (name) => name)].filter(([, list]) => list.length > 1).map(([name]) => `done twice: ${name}`);
	}
}

function nameOf(event: Row): string {
	const detail: unknown = JSON.parse(String(event['detail']));
	return typeof detail === 'object' && detail !== null ? String(Reflect.get(detail, 'name')) : '';
}

/** 2xx. */
function isTaken(entry: Entry): boolean {
	return entry.status !== null && entry.status <= 299;
}

function told(what: string, entry: Entry): string {
	return `${what}: ${JSON.stringify(entry)}`;
}

function judgeCreations(history: readonly Entry[], facts: Facts): readonly string[] {
	const problems: string[] = [];
	const ids = new Map<string, string>();
	for (const entry of history) {
		if (entry.action !== 'create' || !isTaken(entry)) continue;
		if (entry.key !== null) {
			const other = ids.get(entry.key);
			if (other !== undefined && other !== entry.id) problems.push(told(`one key made two things, also ${other}`, entry));
			ids.set(entry.key, entry.id);
			if (facts.countEvents(`${entry.kind}.created`, entry.id) !== 1) problems.push(told('it was not made exactly once', entry));
		}
		const deleted = history.some((later) => mayDelete(later, entry));
		if (!deleted && !facts.rows.has(entry.id)) problems.push(told('an accepted creation is lost', entry));
	}
	return problems;
}

/** Whether the request may have removed what the other one made. */
function mayDelete(entry: Entry, made: Entry): boolean {
	if (entry.action !== 'delete' || (entry.status !== null && !isTaken(entry))) return false;
	return entry.id === made.id || (made.sandbox !== null && entry.id === made.sandbox);
}

function judgeDeletions(history: readonly Entry[], facts: Facts): readonly string[] {
	const problems: string[] = [];
	for (const entry of history) {
		if (entry.action !== 'delete' || !isTaken(entry)) continue;
		if (facts.rows.has(entry.id)) problems.push(told('an accepted deletion has not ended', entry));
		if (entry.kind !== 'sandbox' && entry.kind !== 'container') continue;
		if (facts.countEvents(`${entry.kind}.deleted`, entry.id) !== 1) problems.push(told('it was not deleted exactly once', entry));
	}
	return problems;
}

const withOperation = new Set(['start', 'stop', 'reboot', 'pause', 'unpause', 'kill', 'rebuild', 'delete']);

/** Each accepted request has one operation, and every operation has ended. */
function judgeOperations(history: readonly Entry[], facts: Facts): readonly string[] {
	const problems: string[] = [];
	for (const entry of history) {
		const expected = withOperation.has(entry.action) && (entry.kind === 'sandbox' || entry.kind === 'container');
		if (!expected || entry.status === null) continue;
		const own = facts.operations.filter((row) => row['request_id'] === entry.requestId && row['target_id'] === entry.id);
		if (isTaken(entry) && own.length !== 1) problems.push(told(`${own.length} operations for it`, entry));
		if (!isTaken(entry) && own.length !== 0) problems.push(told('it was refused and done', entry));
	}
	for (const row of facts.operations) {
		if (row['state'] !== 'done' && row['state'] !== 'failed') problems.push(`an operation has not ended: ${JSON.stringify(row)}`);
	}
	return problems;
}

/** What is wanted after an operation that was done. */
const desired: Readonly<Record<string, string>> = {
	start: 'Running',
	stop: 'Stopped',
	reboot: 'Running',
	pause: 'Paused',
	unpause: 'Running',
	kill: 'Stopped',
};

/** The last thing that was done is how it stands. */
function judgeOutcomes(history: readonly Entry[], facts: Facts): readonly string[] {
	const problems: string[] = [];
	const last = new Map<string, Entry>();
	for (const entry of history) if (entry.action in desired && (entry.status === null || isTaken(entry))) last.set(entry.id, entry);
	for (const [id, entry] of last) {
		const row = facts.rows.get(id);
		const operation = facts.operations.find((candidate) => candidate['request_id'] === entry.requestId && candidate['target_id'] === id);
		if (row === undefined || entry.status === null || operation?.['state'] !== 'done') continue;
		if (row['desired_status'] !== desired[entry.action]) problems.push(told(`it is to be ${row['desired_status']}`, entry));
	}
	for (const row of facts.rows.values()) {
		if (row['desired_status'] === undefined || row['status'] === row['desired_status'] || row['status'] === 'Error') continue;
		const sandbox = facts.rows.get(String(row['sandbox_id']));
		const follows = sandbox !== undefined && sandbox['status'] !== 'Running' && row['status'] !== 'Running';
		const atRest = row['desired_status'] === 'Created' || row['desired_status'] === 'Stopped';
		if (follows || (atRest && (row['status'] === 'Created' || row['status'] === 'Stopped'))) continue;
		problems.push(`it is ${row['status']} and should be ${row['desired_status']}: ${row['id']}`);
	}
	return problems;
}

/** Answers that no request of the load should get. */
function refusals(history: readonly Entry[]): readonly string[] {
	return history
		.filter(({ status }) => status !== null && (status >= 500 || status === 401 || status === 403))
		.map((entry) => told('a strange answer', entry));
}

/** How many requests got which answer, in one line. */
export function summary(history: readonly Entry[]): string {
	const answers = history.map(({ status }) => (status === null ? 'none' : String(status)));
	return [...Map.groupBy(answers, (answer) => answer)].map(([answer, list]) => `${answer}: ${list.length}`).join(', ');
}
