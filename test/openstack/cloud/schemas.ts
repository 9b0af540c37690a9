import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { databaseUrl } from './configuration/shared.ts';
import { commonEnvironment } from './daemons.ts';
import type { Place } from './place.ts';
import { password, region, urls } from './settings.ts';

const run = promisify(execFile);

const databases = ['keystone', 'placement', 'glance', 'neutron', 'nova', 'nova_api', 'nova_cell0', 'cinder'] as const;

/** What is done once, before a service is started for the first time: tables, keys and first records. */
export class Schemas {
	readonly #place: Place;

	constructor(place: Place) {
		this.#place = place;
	}

	/** Before the database is started. */
	async database(): Promise<void> {
		const options = ['--no-defaults', '--user=root', `--datadir=${this.#place.data('database')}`];
		await this.#step('database-install', 'mariadb-install-db', [...options, '--auth-root-authentication-method=normal', '--skip-test-db']);
	}

	/** Fails while the database does not answer yet. */
	async databases(): Promise<void> {
		const statements = databases.map(
			(name) => `CREATE DATABASE ${name} CHARACTER SET utf8mb3; GRANT ALL ON ${name}.* TO cloud@'127.0.0.1';`,
		);
		const sql = [`CREATE USER cloud@'127.0.0.1' IDENTIFIED BY '${password}';`, ...statements].join('\n');
		await this.#step('databases', 'mariadb', [
			'--no-defaults',
			'--user=root',
			`--socket=${this.#place.run('database.sock')}`,
			'--execute',
			sql,
		]);
	}

	async keystone(): Promise<void> {
		const owner = ['--keystone-user', 'root', '--keystone-group', 'root'];
		const places = ['public', 'internal', 'admin'].flatMap((kind) => [`--bootstrap-${kind}-url`, urls.keystone]);
		await this.#steps('keystone', 'keystone.cmd.manage', 'keystone/keystone.conf', [
			['db_sync'],
			['fernet_setup', ...owner],
			['credential_setup', ...owner],
			['bootstrap', '--bootstrap-password', password, '--bootstrap-region-id', region, ...places],
		]);
	}

	async placement(): Promise<void> {
		await this.#step('placement-schema', 'placement-manage', ['--config-file', this.#place.etc('placement/placement.conf'), 'db', 'sync']);
	}

	async glance(): Promise<void> {
		await this.#step('glance-schema', 'glance-manage', ['--config-file', this.#place.etc('glance/glance-api.conf'), 'db_sync']);
	}

	async neutron(): Promise<void> {
		const files = ['neutron/neutron.conf', 'neutron/ml2_conf.ini'].flatMap((file) => ['--config-file', this.#place.etc(file)]);
		await this.#step('neutron-schema', 'neutron-db-manage', [...files, 'upgrade', 'heads']);
	}

	async nova(): Promise<void> {
		await this.#steps('nova', 'nova.cmd.manage', 'nova/nova.conf', [
			['api_db', 'sync'],
			['cell_v2', 'map_cell0', '--database_connection', databaseUrl('nova_cell0')],
			['db', 'sync'],
			['cell_v2', 'create_cell', '--name', 'cell1'],
		]);
	}

	async cinder(): Promise<void> {
		await this.#step('cinder-schema', 'cinder-manage', ['--config-file', this.#place.etc('cinder/cinder.conf'), 'db', 'sync']);
	}

	/** Several commands of one program, one after the other. */
	async #steps(name: string, module: string, file: string, commands: readonly (readonly string[])[]): Promise<void> {
		const lines = commands.map((words) => ['--config-file', this.#place.etc(file), ...words]);
		const words = lines.flatMap((line, index) => (index === 0 ? line : ['--then', ...line]));
		await this.#step(`${name}-schema`, '/usr/bin/python3', [path.join(this.#place.python, 'entry.py'), `${name}-manage`, module, ...words]);
	}

	async #step(log: string, program: string, words: readonly string[]): Promise<void> {
		const environment = { env: { ...commonEnvironment }, cwd: this.#place.folder, timeout: 180_000, maxBuffer: 64 << 20 };
		try {
			const { stdout, stderr } = await run(program, [...words], environment);
			writeFileSync(this.#place.log(`${log}.out`), `${stdout}${stderr}`, { flag: 'a' });
		} catch (error) {
			throw new Error(`${program} failed: ${error instanceof Error ? error.message.slice(-2000) : error}`);
		}
	}
}
