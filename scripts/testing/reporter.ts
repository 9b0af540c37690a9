/**
 * Reporter for node --test: a line for each test file, all about each failure, and every outcome in the journal that
 * ZUNBOX_TEST_JOURNAL names. What runs at the moment stands in a file beside the journal, for a runner that is killed.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';
import { type Outcome, recordOutcome } from './outcome.ts';

const journal = process.env['ZUNBOX_TEST_JOURNAL'] ?? '/dev/null';
const suite = process.env['ZUNBOX_TEST_SUITE'] ?? '';
/** Characters of what a failed file printed that are shown. */
const shownOutput = 20_000;

type Ended = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>;

/** What is kept of a file while its events come: in the order of its tests, those of one file together. */
class FileReport {
	readonly file: string;
	#counts = { passed: 0, failed: 0, skipped: 0 };
	#failures: string[] = [];
	/** Names of the tests around the one that is being reported, by depth. */
	#around: string[] = [];
	/** ms of its outermost tests. */
	#duration = 0;

	constructor(file: string) {
		this.file = file;
	}

	startTest(name: string, nesting: number): void {
		this.#around.length = nesting;
		this.#around[nesting] = name;
	}

	end(event: Ended): void {
		if (event.data.nesting === 0) this.#duration += event.data.details.duration_ms;
		const result = resultOf(event);
		if (result === undefined) return;
		const { name, nesting } = event.data;
		const fullName = [...this.#around.slice(0, nesting), name].join(' › ');
		this.#counts[result] += 1;
		recordOutcome(journal, { suite, file: this.file, name: fullName, result });
		if (event.type === 'test:fail' && result === 'failed') {
			this.#failures.push(`  ✖ ${fullName}\n${indent(inspect(event.data.details.error.cause ?? event.data.details.error))}\n`);
		}
	}

	text(output: string): string {
		const { passed, failed, skipped } = this.#counts;
		const seconds = (this.#duration / 1000).toFixed(1);
		const line = `${failed > 0 ? '✖' : '✔'} ${this.file}: ${passed} passed${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''} (${seconds} s)\n`;
		if (failed === 0) return line;
		const printed = output === '' ? '' : `  what the file printed:\n${indent(output.slice(-shownOutput))}\n`;
		return `${line}${this.#failures.join('')}${printed}`;
	}
}

/** undefined = not a test of its own: a group, or a test that failed only because of one inside it. */
function resultOf(event: Ended): Outcome['result'] | undefined {
	const { details, skip, todo } = event.data;
	if (event.type === 'test:fail') {
		if (todo !== undefined) return 'skipped';
		const { error } = event.data.details;
		return 'failureType' in error && error.failureType === 'subtestsFailed' ? undefined : 'failed';
	}
	if (skip !== undefined || todo !== undefined) return 'skipped';
	return details.type === 'suite' ? undefined : 'passed';
}

function indent(text: string): string {
	return text.replaceAll(/^/gm, '    ');
}

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
	let current: FileReport | undefined;
	const outputs = new Map<string, string>();
	const running = new Set<string>();
	const relative = (file: string | undefined) => path.relative(process.cwd(), file ?? '');
	const close = function* () {
		if (current !== undefined) yield current.text(outputs.get(current.file) ?? '');
	};
	for await (const event of source) {
		if (event.type === 'test:dequeue' || event.type === 'test:complete') {
			/* These two come at once; what has a place in the order of tests comes later. */
			const name = [relative(event.data.file ?? event.data.name), event.data.name].join(' › ');
			if (event.type === 'test:dequeue') running.add(name);
			else running.delete(name);
			if (journal !== '/dev/null') writeFileSync(`${journal}.running`, [...running].map((line) => `${line}\n`).join(''));
		} else if (event.type === 'test:stdout' || event.type === 'test:stderr') {
			const file = relative(event.data.file);
			outputs.set(file, `${outputs.get(file) ?? ''}${event.data.message}`.slice(-2 * shownOutput));
		} else if (event.type === 'test:start' || event.type === 'test:pass' || event.type === 'test:fail') {
			/* A file that could not be loaded is reported as a test whose name is its path. */
			const file = relative(event.data.file ?? event.data.name);
			if (current?.file !== file) {
				yield* close();
				current = new FileReport(file);
			}
			if (event.type === 'test:start') current.startTest(event.data.name, event.data.nesting);
			else current.end(event);
		}
	}
	yield* close();
}
