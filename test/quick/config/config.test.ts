import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { ConfigError, defaultConfig, loadConfig, publicUrlOf } from '../../../src/config/load.ts';
import { configurationReference } from '../../../src/config/reference.ts';
import { isAllowed } from '../../../src/config/rules.ts';
import { note, settings } from '../../../src/config/settings.ts';

async function configFile(t: TestContext, content: string): Promise<string> {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-config-'));
	t.after(() => rm(folder, { recursive: true }));
	const file = path.join(folder, 'zunbox.yaml');
	await writeFile(file, content);
	return file;
}

/** The problems that the sources are refused with. */
async function problemsOf(sources: Parameters<typeof loadConfig>[0]): Promise<readonly string[]> {
	try {
		await loadConfig(sources);
	} catch (error) {
		if (error instanceof ConfigError) return error.problems;
		throw error;
	}
	return [];
}

describe('configuration', () => {
	test('has its defaults when nothing is given', async () => {
		const config = await loadConfig();
		assert.deepEqual(config, defaultConfig());
		assert.equal(config.hostname, os.hostname());
		assert.equal(publicUrlOf(config), 'http://127.0.0.1:9517');
		assert.equal(publicUrlOf(config, 4000), 'http://127.0.0.1:4000');
	});

	test('every setting has a description, a default that it allows itself, and names of its own', () => {
		for (const setting of settings) {
			assert.notEqual(setting.description, '', setting.name);
			assert.ok(isAllowed(setting.schema, note(setting.schema, 'default')), `${setting.name} refuses its default`);
			assert.doesNotMatch(setting.expected, /undefined/, setting.name);
		}
		assert.equal(new Set(settings.map((setting) => setting.variable)).size, settings.length);
		assert.equal(new Set(settings.map((setting) => setting.flag)).size, settings.length);
	});

	test('flags win over the environment, which wins over the file', async (t) => {
		const file = await configFile(t, 'listen: { port: 1001, host: 127.0.0.2 }\nhostname: from-file\nlogLevel: warn\n');
		const config = await loadConfig({
			file,
			environment: { ZUNBOX_LISTEN_PORT: '1002', ZUNBOX_HOSTNAME: 'from-environment', PATH: '/bin' },
			flags: { 'listen.port': '1003' },
		});
		assert.deepEqual(
			[config.listen.port, config.listen.host, config.hostname, config.logLevel],
			[1003, '127.0.0.2', 'from-environment', 'warn'],
		);
	});

	test('the environment can hold every kind of value', async () => {
		const config = await loadConfig({
			environment: {
				ZUNBOX_NETWORK_NAMESERVERS: '192.0.2.1, 2001:db8::1',
				ZUNBOX_NETWORK_ENABLED: 'false',
				ZUNBOX_DRIVER_SETTINGS: '{"latency":5}',
				ZUNBOX_SCHEDULER_CPU_OVERCOMMIT: '2.5',
				ZUNBOX_PUBLIC_URL: '',
				ZUNBOX_QUOTA_VOLUME_GIGABYTES: '-1',
			},
		});
		assert.deepEqual(config.network.nameservers, ['192.0.2.1', '2001:db8::1']);
		assert.equal(config.network.enabled, false);
		assert.deepEqual(config.driver.settings, { latency: 5 });
		assert.equal(config.scheduler.cpuOvercommit, 2.5);
		assert.equal(config.publicUrl, null);
		assert.equal(config.quota.volumeGigabytes, -1);
	});

	test('what other programs put beside it is left alone', async () => {
		const environment = {
			ZUNBOX_PORT: 'tcp://10.0.0.1:9517',
			ZUNBOX_SERVICE_HOST: '10.0.0.1',
			ZUNBOX_FAIL_POINT: 'x',
			ZUNBOX_MAX_HEAP: '300',
		};
		assert.deepEqual(await problemsOf({ environment }), []);
	});

	test('an unknown setting is named, with the likely one', async (t) => {
		const file = await configFile(t, 'listen:\n  prot: 1\nlisen: {}\n');
		assert.deepEqual(await problemsOf({ file }), [
			`${file}: listen.prot is not a setting; did you mean listen.port?`,
			`${file}: lisen is not a setting; did you mean listen?`,
		]);
		assert.deepEqual(await problemsOf({ environment: { ZUNBOX_LISTEN_PROT: '1' } }), [
			'environment variable ZUNBOX_LISTEN_PROT is not a setting; did you mean ZUNBOX_LISTEN_PORT?',
		]);
		assert.match((await problemsOf({ environment: { ZUNBOX_WHATEVER_ELSE_THIS_IS: '1' } }))[0] ?? '', /lists all settings/);
	});

	test('a bad value is told with its place and what would be right', async (t) => {
		const file = await configFile(t, 'listen:\n  port: 70000\nnetwork: { cidr: 10.87.0.1/16 }\nhosts: 5\n');
		assert.deepEqual(await problemsOf({ file, environment: { ZUNBOX_LOG_LEVEL: 'loud' }, flags: { 'identity.tokenLifetime': '' } }), [
			`${file}: listen.port is 70000; it must be a whole number from 0 to 65535`,
			`${file}: network.cidr is "10.87.0.1/16"; it must be an IPv4 network such as 10.87.0.0/16, with 8 to 29 bits and no host bits`,
			`${file}: hosts must be a map of settings`,
			'environment variable ZUNBOX_LOG_LEVEL is "loud"; it must be one of debug, info, warn, error',
			'option --identity-token-lifetime is ""; it must be a whole number from 60 to 2592000 (s)',
		]);
	});

	for (const [setting, right, wrong] of [
		['publicUrl', 'https://a.example/zunbox', 'https://a.example/'],
		['publicUrl', 'http://[::1]:9517', 'ftp://a.example'],
		['network.nameservers', '::1', 'resolver.example'],
		['dataDirectory', '/srv/zunbox', 'zunbox'],
		['owner', 'second-1', 'Second'],
		['network.cidr', '192.168.7.0/29', '192.168.7.0/30'],
		['driver.settings', '{}', '[]'],
		['network.enabled', 'true', 'yes'],
	] as const) {
		test(`${setting} allows ${right} and not ${wrong}`, async () => {
			assert.deepEqual(await problemsOf({ flags: { [setting]: right } }), []);
			assert.equal((await problemsOf({ flags: { [setting]: wrong } })).length, 1);
		});
	}

	test('a file that is not YAML, or names a key twice, is refused with the line', async (t) => {
		assert.match((await problemsOf({ file: await configFile(t, 'listen: {port: 1\nx') }))[0] ?? '', /zunbox\.yaml: .*line \d/);
		assert.match((await problemsOf({ file: await configFile(t, 'owner: a\nowner: b\n') }))[0] ?? '', /unique.*line 2/i);
		assert.match((await problemsOf({ file: '/nowhere/zunbox.yaml' }))[0] ?? '', /cannot be read/);
	});

	test('settings that contradict one another are refused', async () => {
		assert.match((await problemsOf({ flags: { 'hosts.downAfter': '15' } }))[0] ?? '', /make it 20 or more/);
	});

	test('the reference page is what the schema says', async () => {
		const page = await readFile(path.join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');
		assert.equal(page, configurationReference(), 'run: node src/config/reference.ts > docs/configuration.md');
	});
});
