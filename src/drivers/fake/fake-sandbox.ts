import type { SandboxSettings, SandboxState } from '../driver.ts';

/** A namespace holder of the fake engine. */
export class FakeSandbox {
	readonly settings: SandboxSettings;
	limits: { readonly cpu: number | null; readonly memory: number | null };
	status: SandboxState['status'] = 'created';
	startedAt: number | null = null;
	finishedAt: number | null = null;
	/** Set when it has been removed: containers that joined it can no longer start. */
	gone = false;

	constructor(settings: SandboxSettings) {
		this.settings = settings;
		this.limits = settings;
	}

	get alive(): boolean {
		return this.status === 'running' || this.status === 'paused';
	}

	/** Answers whether that changed anything. */
	start(): boolean {
		if (this.alive) return false;
		this.status = 'running';
		this.startedAt = Date.now();
		this.finishedAt = null;
		return true;
	}

	stop(): boolean {
		if (!this.alive) return false;
		this.status = 'stopped';
		this.finishedAt = Date.now();
		return true;
	}

	state(): SandboxState {
		return { id: this.settings.id, status: this.status, startedAt: this.startedAt, finishedAt: this.finishedAt };
	}
}
