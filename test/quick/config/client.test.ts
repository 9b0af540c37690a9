import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { findClientSettings, findDataDirectory, parseOpenrc } from '../../../src/config/client.ts';

async function folder(t: TestContext): Promise<string> {
	const made = await mkdtemp(path.join(os.tmpdir(), 'zunbox-client-'));
	t.after(() => rm(made, { recursive: true }));
	return made;
}

describe('settings of client commands', () => {
	test('come from the local service when the environment names none', async (t) => {
		const dataDirectory = await folder(t);
		await mkdir(path.join(dataDirectory, 'credentials'));
		const file = path.join(dataDirectory, 'credentials', 'openrc');
		await writeFile(
			file,
			"# comment\nexport OS_AUTH_URL='http://127.0.0.1:1/identity/v3'\nexport OS_USERNAME='admin'\nexport OS_PASSWORD='it'\\''s'\n",
		);
		const found = await findClientSettings({ environment: {}, dataDirectory });
		assert.equal(found?.authUrl, 'http://127.0.0.1:1/identity/v3');
		assert.equal(found?.password, "it's");
		assert.equal(found?.source, file);
	});

	test('OS_* in the environment wins', async (t) => {
		const dataDirectory = await folder(t);
		const found = await findClientSettings({ environment: { OS_AUTH_URL: 'http://c/v3/', OS_TOKEN: 't' }, dataDirectory });
		assert.equal(found?.authUrl, 'http://c/v3');
		assert.equal(found?.token, 't');
	});

	test('are null where there is no service', async (t) => {
		assert.equal(await findClientSettings({ environment: {}, dataDirectory: await folder(t) }), null);
	});

	test('the data directory is looked up in option, environment and file, in this order', async (t) => {
		const config = path.join(await folder(t), 'zunbox.yaml');
		await writeFile(config, 'dataDirectory: /from/file\n');
		const environment = { ZUNBOX_CONFIG: config };
		assert.equal(await findDataDirectory({ environment }), '/from/file');
		assert.equal(await findDataDirectory({ environment: { ...environment, ZUNBOX_DATA_DIRECTORY: '/from/variable' } }), '/from/variable');
		assert.equal(await findDataDirectory({ environment, dataDirectory: '/from/option' }), '/from/option');
	});

	test('an openrc is read with and without quotes', () => {
		assert.deepEqual(parseOpenrc("OS_A=1\n  export OS_B='x y'\nunset OS_C\n"), { OS_A: '1', OS_B: 'x y' });
	});

	test('finding them loads neither the schema nor any package', async () => {
		const module = new URL('../../../src/config/client.ts', import.meta.url).href;
		const script = `await (await import(${JSON.stringify(module)})).findClientSettings({ environment: {}, dataDirectory: '/nowhere' });`;
		const hook = `import { registerHooks } from 'node:module';
			registerHooks({ load(url, context, next) { if (url.startsWith('file:')) console.log(url); return next(url, context); } });
			${script}`;
		const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', hook], { timeout: 60_000 });
		assert.deepEqual(stdout.trim().split('\n'), [module]);
	});
});
