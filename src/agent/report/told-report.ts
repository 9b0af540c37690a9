import type { SandboxReport } from '../../model/spec.ts';

/** What control was told of a sandbox last, kept as the text that it is compared by. */
export class ToldReport {
	readonly status: SandboxReport['status'];
	readonly #version: number;
	/** All but the version and the operations, which are news by themselves. */
	readonly #facts: string;

	constructor(report: SandboxReport) {
		this.status = report.status;
		this.#version = report.version;
		this.#facts = factsOf(report);
	}

	/** Whether control would learn nothing from this one that it did not learn before. */
	says(report: SandboxReport): boolean {
		return this.#facts === factsOf(report);
	}

	/** As it was told, without its operations. */
	report(): SandboxReport {
		const facts: SandboxReport = JSON.parse(this.#facts);
		return { ...facts, version: this.#version };
	}
}

function factsOf(report: SandboxReport): string {
	return JSON.stringify({ ...report, version: 0, operations: [] });
}
