/** Lives that are killed at chosen points, in one installation after another. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CrashClient } from './crash-client.ts';
import { furnish, Life, type Step, steps } from './crash-life.ts';
import { CrashService } from './crash-service.ts';
import { eventually } from './eventually.ts';
import { differences } from './leaks.ts';

/** Where a process is to die: at a pass through a point while a step is carried out. */
export interface Death {
	readonly step: string;
	/** As ZUNBOX_FAIL_POINT takes it. */
	readonly point: string;
}

export class CrashWorker {
	readonly service = new CrashService();
	readonly #image: string;
	readonly #client = new CrashClient(this.service);
	#world: { readonly network: string; readonly group: string } | null = null;
	readonly #died = new Set<string>();
	#deaths = 0;

	constructor(image: string) {
		this.#image = image;
	}

	/** How often its process was killed as it was planned. */
	get deaths(): number {
		return this.#deaths;
	}

	/** Points at which it was killed. */
	get died(): ReadonlySet<string> {
		return this.#died;
	}

	async start(): Promise<void> {
		writeFileSync(this.#file, '');
		await this.#startService();
		await this.#client.login();
		this.#world = await furnish(this.#client);
	}

	/** A whole life without a death. Answers the points that each of its steps passes, in order, each once. */
	async learn(): Promise<ReadonlyMap<string, readonly string[]>> {
		const passed = new Map<string, readonly string[]>();
		let seen = this.#passes().length;
		await this.#live(steps, async (step, life) => {
			await this.#carryOut(step, life);
			const all = this.#passes();
			passed.set(step.name, [...new Set(all.slice(seen))]);
			seen = all.length;
		});
		return passed;
	}

	/** One life with these deaths, one a step at the most; groups of steps without one are left out. Throws with what went wrong. */
	async die(deaths: readonly Death[]): Promise<void> {
		const names = new Set(deaths.map(({ step }) => step));
		const groups = new Set(steps.filter(({ name }) => names.has(name)).map(({ group }) => group));
		const chosen = steps.filter(({ group }) => group === null || groups.has(group));
		await this.#live(chosen, async (step, life) => {
			const death = deaths.find((candidate) => candidate.step === step.name);
			try {
				if (death === undefined) await this.#carryOut(step, life);
				else await this.#carryOutKilled(step, life, death);
			} catch (error) {
				const what = error instanceof Error && error.cause !== undefined ? `${error.message}: ${error.cause}` : String(error);
				const where = `${step.name}, killed at ${death?.point ?? 'no point'} (of ${JSON.stringify(deaths)})`;
				throw new Error(`${where}: ${what}\nThe service wrote:\n${this.service.output().slice(-3000)}`);
			}
		});
	}

	async remove(): Promise<void> {
		await this.service.remove();
	}

	async #live(chosen: readonly Step[], carryOut: (step: Step, life: Life) => Promise<void>): Promise<void> {
		if (this.#world === null) throw new Error('it was not started');
		const life = new Life({ client: this.#client, image: this.#image, database: this.service.database, ...this.#world });
		for (const step of chosen) await carryOut(step, life);
	}

	async #carryOut(step: Step, life: Life): Promise<void> {
		await step.ask(life);
		await this.#settle(step, life);
	}

	async #carryOutKilled(step: Step, life: Life, { point }: Death): Promise<void> {
		writeFileSync(this.#file, point);
		const asked = step.ask(life).then(
			() => true,
			() => false,
		);
		await this.#diesOrSettles(asked);
		writeFileSync(this.#file, '');
		const answered = await asked;
		// The process may be on its way through the point at this moment.
		await delay(20);
		// What is done now and then, and not for the step, is not always passed.
		if (this.service.running) return await this.#settle(step, life);
		this.#deaths += 1;
		this.#died.add(point);
		await this.#startService();
		if (!answered) await step.ask(life);
		await this.#settle(step, life);
	}

	/** Until the process is dead, or has answered and done all for long enough that it will not die any more. */
	async #diesOrSettles(asked: Promise<boolean>): Promise<void> {
		const deadline = performance.now() + 60_000;
		await Promise.race([asked, this.service.died(60_000)]);
		while (this.service.running) {
			if (performance.now() > deadline) throw new Error('it neither dies nor comes to rest');
			if ((await differences(this.service)).length > 0) continue;
			await this.service.died(500).catch(() => {});
			return;
		}
	}

	/** Until all is as the step wants it, and what is held is what should be. */
	async #settle(step: Step, life: Life): Promise<void> {
		let last: readonly string[] = [];
		await eventually(
			`it is as it should be after: ${step.name}`,
			async () => {
				last = await differences(this.service);
				if (last.length > 0) throw new Error(last.join('\n'));
				return true;
			},
			{ timeout: 30_000, interval: 30 },
		);
		await life.check(step);
	}

	async #startService(): Promise<void> {
		const environment = { ZUNBOX_FAIL_POINT: `file:${this.#file}`, ZUNBOX_FAIL_POINT_LOG: this.#log };
		await this.service.start(environment);
	}

	#passes(): readonly string[] {
		return existsSync(this.#log) ? readFileSync(this.#log, 'utf8').split('\n').slice(0, -1) : [];
	}

	get #file(): string {
		return path.join(this.service.folder, 'fail-point');
	}

	get #log(): string {
		return path.join(this.service.folder, 'passes');
	}
}
