import path from 'node:path';

/** Where the test cloud keeps everything: one folder, made by whoever starts it. */
export class Place {
	readonly folder: string;

	constructor(folder: string) {
		this.folder = folder;
	}

	/** The cloud in whose world this process runs. */
	static current(): Place {
		const folder = process.env[placeVariable];
		if (folder === undefined) throw new Error('run this inside of the test cloud: node test/openstack/cloud/enter.ts <command>');
		return new Place(folder);
	}

	/** Mark on all that the service under test makes, and name of the control group of the cloud's engine. */
	get owner(): string {
		return `test-${path.basename(this.folder).replace(/^zunbox-/, '')}`;
	}

	/** Configuration of a service. */
	etc(...names: readonly string[]): string {
		return path.join(this.folder, 'etc', ...names);
	}

	log(name: string): string {
		return path.join(this.folder, 'log', name);
	}

	/** Process ids and sockets. */
	run(name: string): string {
		return path.join(this.folder, 'run', name);
	}

	/** Data of a service. */
	data(...names: readonly string[]): string {
		return path.join(this.folder, 'data', ...names);
	}

	/** Where the agent takes the calls of Nova's driver. */
	get agentSocket(): string {
		return this.run('agent.sock');
	}

	/** The folder that Python code of the tests is in. */
	get python(): string {
		return path.join(import.meta.dirname, 'python');
	}
}

/** Names the folder of the cloud to everything that runs in its world. */
export const placeVariable = 'ZUNBOX_TEST_CLOUD';
