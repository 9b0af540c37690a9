import type { ObservedSandbox } from '../../drivers/driver.ts';
import { failPoint } from '../../faults/fail-point.ts';
import { messageOf } from '../../model/errors.ts';
import type { SandboxSpec } from '../../model/spec.ts';
import type { AgentOptions } from '../options.ts';
import type { StepFailure } from '../plan/context.ts';
import { runOf } from '../plan/facts.ts';
import { type Executors, execute, type Step, targetOf } from '../plan/step.ts';
import { deadlineOf, mostlyWaits, withDeadline } from './deadlines.ts';
import { failureOf } from './failure-of.ts';
import type { Limiter } from './limiter.ts';
import type { Memory } from './memory.ts';
import { obsoleteSteps, operationIdOf } from './obsolete.ts';

export interface StepRunnerDeps {
	readonly sandboxId: string;
	readonly memory: Memory;
	readonly executors: Executors;
	/** Bounds on calls to the engine, shared by all sandboxes. */
	readonly calls: Limiter;
	readonly waits: Limiter;
	readonly options: AgentOptions;
	/** Ends everything. */
	readonly signal: AbortSignal;
	/** After each step; `engine` = it may have changed what the engine shows. */
	readonly onEnd: (engine: boolean) => void;
}

/** Runs the steps of one sandbox beside one another, each with a deadline, and remembers how each ended. */
export class StepRunner {
	readonly #deps: StepRunnerDeps;
	readonly #tasks = new Set<Promise<void>>();

	constructor(deps: StepRunnerDeps) {
		this.#deps = deps;
	}

	/** Whether nothing runs. */
	get idle(): boolean {
		return this.#tasks.size === 0;
	}

	/** Sets a step going that was planned with these. Its target must be free. */
	launch(step: Step, spec: SandboxSpec | null, observed: ObservedSandbox): void {
		const abort = new AbortController();
		this.#deps.memory.begin(step, abort);
		const cause = { operationId: operationIdOf(step, spec), run: runOf(observed) };
		const task = this.#perform(step, cause, spec?.projectId ?? '', abort.signal);
		this.#tasks.add(task);
		void task.finally(() => this.#tasks.delete(task));
	}

	/** Ends the running steps that nobody waits for any more. */
	abortObsolete(spec: SandboxSpec | null): void {
		const reason = new DOMException('not wanted any more', 'AbortError');
		for (const running of obsoleteSteps(spec, this.#deps.memory.running)) running.abort.abort(reason);
	}

	/** Ends when nothing runs. */
	async settled(): Promise<void> {
		while (!this.idle) await Promise.all(this.#tasks);
	}

	/** Never rejects. */
	async #perform(step: Step, cause: Pick<StepFailure, 'operationId' | 'run'>, projectId: string, obsolete: AbortSignal): Promise<void> {
		const { sandboxId, memory, executors, options, signal, onEnd } = this.#deps;
		const run = async (ending: AbortSignal): Promise<void> => {
			failPoint(`agent.${step.kind}.before`);
			await execute(executors, step, ending);
			failPoint(`agent.${step.kind}.after`);
		};
		const began = performance.now();
		try {
			await withDeadline(deadlineOf(step), AbortSignal.any([signal, obsolete]), (ending) =>
				this.#bounded(step, projectId, () => run(ending), ending),
			);
			memory.succeeded(step);
		} catch (error) {
			if (!signal.aborted && !obsolete.aborted) {
				memory.failed(step, { ...failureOf(error), ...cause }, options.now());
				options.log.warn({ sandbox: sandboxId, step: step.kind, target: targetOf(step), error: messageOf(error) }, 'a step failed');
			}
		} finally {
			memory.end(step);
			options.log.debug({ sandbox: sandboxId, step: step.kind, ms: Math.round(performance.now() - began) }, 'step');
			onEnd(step.kind !== 'ensureImage');
		}
	}

	/** Pulls have a bound of their own. Of what waits as long as its owner said, one project leaves room for others. */
	async #bounded(step: Step, projectId: string, run: () => Promise<void>, ending: AbortSignal): Promise<void> {
		const { calls, waits } = this.#deps;
		if (step.kind === 'ensureImage') await run();
		else await (mostlyWaits(step) ? waits : calls).run(run, ending, projectId);
	}
}
