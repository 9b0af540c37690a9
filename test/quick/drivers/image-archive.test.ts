import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { busyboxFiles, isStaticProgram, makeBusyboxArchive } from '../../../src/drivers/images/busybox-archive.ts';
import { makeImageArchive } from '../../../src/drivers/images/image-archive.ts';
import { makePauseArchive, pauseBinaryPath } from '../../../src/drivers/images/pause-archive.ts';
import { tarEntry } from '../../../src/drivers/tar.ts';

/** Reads a member with the system's tar: another program than the one under test. */
function member(tar: Buffer, name: string): Buffer {
	return execFileSync('tar', ['-xOf', '-', name], { input: tar, maxBuffer: 64 * 1024 * 1024 });
}

describe('makeImageArchive', () => {
	const content = {
		architecture: 'amd64',
		files: [tarEntry('hello', { mode: 0o755, bytes: Buffer.from('hello') })],
		entrypoint: ['/hello'],
		command: null,
		environment: ['A=1'],
		labels: {},
	} as const;

	test('the same content gives the same bytes, other content another id', () => {
		const one = makeImageArchive(content, 'a:b');
		assert.deepEqual(makeImageArchive(content, 'a:b').tar, one.tar);
		assert.notEqual(makeImageArchive({ ...content, entrypoint: ['/other'] }, 'a:b').id, one.id);
	});

	test('every blob is where its digest says, and both manifests lead to the same ones', () => {
		const archive = makeImageArchive(content, (id) => `some/image:${id.slice(7, 19)}`);
		const [saved] = JSON.parse(member(archive.tar, 'manifest.json').toString());
		const [pointer] = JSON.parse(member(archive.tar, 'index.json').toString()).manifests;
		const path = (digest: string) => `blobs/${digest.replace(':', '/')}`;
		const manifest = JSON.parse(member(archive.tar, path(pointer.digest)).toString());
		assert.deepEqual(saved, { Config: path(archive.id), RepoTags: [archive.reference], Layers: [path(manifest.layers[0].digest)] });
		assert.equal(manifest.config.digest, archive.id);
		assert.equal(pointer.annotations['io.containerd.image.name'], `docker.io/${archive.reference}`);
		for (const described of [pointer, manifest.config, manifest.layers[0]]) {
			const blob = member(archive.tar, path(described.digest));
			assert.equal(`sha256:${createHash('sha256').update(blob).digest('hex')}`, described.digest);
			assert.equal(blob.length, described.size);
		}
	});
});

describe('pause', () => {
	test('the kept binaries are small static programs, and each gives an image named after its content', async () => {
		const names = new Set<string>();
		for (const architecture of ['amd64', 'arm64'] as const) {
			assert.ok(statSync(pauseBinaryPath(architecture)).size < 20_000);
			assert.ok(isStaticProgram(readFileSync(pauseBinaryPath(architecture))));
			const archive = await makePauseArchive(architecture);
			assert.equal(archive.reference, `zunbox/pause:${archive.id.slice(7, 19)}`);
			names.add(archive.reference);
		}
		assert.equal(names.size, 2);
	});
});

describe('busybox', () => {
	test('has its applets, and nothing outside the directories for commands', () => {
		const files = busyboxFiles(Buffer.from('program'), ['bin/sh', 'usr/bin/wc', 'bin/sh', 'linuxrc', '../bin/evil', 'bin/busybox', '']);
		const links = files.filter((entry) => entry.type === 'symlink').map((entry) => entry.path);
		assert.deepEqual(links, ['bin/sh', 'usr/bin/wc']);
		assert.ok(files.some((entry) => entry.path === 'tmp' && entry.type === 'directory' && entry.mode === 0o1777));
	});

	test('what is no static program is refused with a word on what to install', async () => {
		await assert.rejects(makeBusyboxArchive('a:b', process.execPath), /busybox-static/);
		await assert.rejects(makeBusyboxArchive('a:b', '/does/not/exist'), /busybox-static/);
	});

	test('headers that lie about their table are not taken for a program', () => {
		const lying = Buffer.from(readFileSync(pauseBinaryPath('amd64')));
		lying.writeUInt16LE(60_000, 56);
		assert.equal(isStaticProgram(lying), false);
		assert.equal(isStaticProgram(Buffer.from('#!/bin/sh\n')), false);
	});
});
