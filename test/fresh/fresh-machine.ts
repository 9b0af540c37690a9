/** A Debian that has nothing but Node.js, npm and a clone of this checkout: a folder made by debootstrap. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, copyFile, cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const checkout = path.resolve(import.meta.dirname, '../..');
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Runs in namespaces of its own; the new root is a real one, so that an engine works in it as on a machine. */
const enterScript = `
	set -e
	root=$1 command=$2
	if [ -n "$OWN_NETWORK" ]; then ip link set lo up; fi
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount --rbind /sys "$root/sys"
	mount -t tmpfs tmpfs "$root/run"
	mkdir -p "$root/run/outside"
	cd "$root"
	pivot_root . run/outside
	umount -l /run/outside
	exec sh -c "$command"
`;

export class FreshMachine {
	readonly folder: string;

	private constructor(folder: string) {
		this.folder = folder;
	}

	/** Takes about a minute, and what apt and npm of this machine fetch from. */
	static async make(): Promise<FreshMachine> {
		const folder = await mkdtemp(path.join(tmpdir(), 'zunbox-fresh-'));
		const machine = new FreshMachine(folder);
		try {
			/* The folder of a temporary directory is for root alone; a root directory is not. */
			await chmod(folder, 0o755);
			await run('debootstrap', ['--variant=minbase', '--include=ca-certificates', ...(await release()), folder, await mirror()], {
				timeout: 300_000,
				maxBuffer: 16 * 1024 * 1024,
			});
			await machine.#copySettings();
			await machine.#copyNode();
			await run('git', ['clone', '-q', checkout, path.join(folder, 'srv/zunbox')], { timeout: 60_000 });
			return machine;
		} catch (error) {
			await machine.remove();
			throw error;
		}
	}

	async remove(): Promise<void> {
		await rm(this.folder, { recursive: true, force: true });
	}

	/** Makes an empty file at the root, which a script inside waits for. */
	async touch(name: string): Promise<void> {
		await writeFile(path.join(this.folder, name), '');
	}

	/**
	 * Starts a shell command in the clone. With a network of its own it reaches nothing outside, and what it does to
	 * links and rules stays there; without, it shares this machine's. Killing the process kills all that it started.
	 */
	start(command: string, network: 'own' | 'shared'): ChildProcess {
		const namespaces = ['--mount', '--pid', '--fork', '--kill-child', ...(network === 'own' ? ['--net'] : [])];
		return spawn('unshare', [...namespaces, 'bash', '-c', enterScript, 'enter', this.folder, `cd /srv/zunbox || exit 1\n${command}`], {
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...ownEnvironment(), PATH: systemPath, HOME: '/root', OWN_NETWORK: network === 'own' ? 'yes' : '' },
		});
	}

	/** As `start`, to its end; answers what it wrote. Throws with that when the exit status is not 0. */
	async call(command: string, network: 'own' | 'shared', timeout: number): Promise<string> {
		const child = this.start(command, network);
		const written = collectOutput(child);
		try {
			const [code] = await once(child, 'close', { signal: AbortSignal.timeout(timeout) });
			if (code !== 0) throw new Error(`${command} ended with ${code}`);
			return written();
		} catch (error) {
			throw new Error(`${command} failed, having written:\n${written()}`, { cause: error });
		} finally {
			child.kill('SIGKILL');
		}
	}

	/** What apt and npm need to know of this machine's network. */
	async #copySettings(): Promise<void> {
		for (const file of [
			'/etc/apt/sources.list',
			'/etc/apt/sources.list.d/debian.sources',
			'/etc/resolv.conf',
			'/etc/hosts',
			'/etc/npmrc',
			'/root/.npmrc',
		]) {
			await copyFile(file, path.join(this.folder, file)).catch(ignoreMissing);
		}
		for (const folder of ['/etc/apt/apt.conf.d', '/etc/apt/keyrings', '/etc/ssl/certs', '/usr/local/share/ca-certificates']) {
			await cp(folder, path.join(this.folder, folder), { recursive: true, force: true, verbatimSymlinks: true }).catch(ignoreMissing);
		}
		/* Hooks of packages that are installed only here. */
		await rm(path.join(this.folder, 'etc/apt/apt.conf.d/99needrestart'), { force: true });
		await appendFile(path.join(this.folder, 'etc/apt/apt.conf.d/99test'), 'Dpkg::Use-Pty "false";\n');
		await rm(path.join(this.folder, 'var/lib/apt/lists'), { recursive: true, force: true });
		await mkdir(path.join(this.folder, 'var/lib/apt/lists/partial'), { recursive: true });
	}

	/** This machine's own Node.js and npm, not those of the checkout. */
	async #copyNode(): Promise<void> {
		const { stdout: programs } = await run('which', ['-a', 'node', 'npm'], { timeout: 10_000 }).catch((error: { stdout: string }) => error);
		const outside = programs.split('\n').filter((program) => !program.includes('/node_modules/'));
		const node = outside.find((program) => program.endsWith('/node'));
		const npm = outside.find((program) => program.endsWith('/npm'));
		if (node === undefined || npm === undefined) throw new Error('this machine has no Node.js and npm of its own');
		await copyFile(await realpath(node), path.join(this.folder, 'usr/bin/node'));
		await mkdir(path.join(this.folder, 'usr/lib/node_modules'), { recursive: true });
		const npmFolder = path.resolve(await realpath(npm), '../..');
		await cp(npmFolder, path.join(this.folder, 'usr/lib/node_modules/npm'), { recursive: true });
		await symlink('../lib/node_modules/npm/bin/npm-cli.js', path.join(this.folder, 'usr/bin/npm'));
		await writeFile(path.join(this.folder, 'etc/gitconfig'), '[safe]\n\tdirectory = *\n');
	}
}

/** This machine's environment, such as proxies and certificates for npm, without what npm and the test runner add. */
function ownEnvironment(): NodeJS.ProcessEnv {
	return Object.fromEntries(
		Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_TEST|NODE_COMPILE_CACHE|ZUNBOX_|INIT_CWD)/i.test(name)),
	);
}

/** Everything that the process writes, on both streams, so far. */
export function collectOutput(child: ChildProcess): () => string {
	let written = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream?.setEncoding('utf8').on('data', (text: string) => {
			written += text;
		});
	}
	return () => written;
}

async function release(): Promise<readonly [string]> {
	const name = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
	if (name === undefined) throw new Error('this machine does not say which release it is');
	return [name];
}

/** Where this machine's apt fetches the release itself from. */
async function mirror(): Promise<string> {
	const [name] = await release();
	const { stdout } = await run('apt-get', ['indextargets', '--format', '$(RELEASE) $(SITE) $(REPO_URI)', 'Created-By: Packages'], {
		timeout: 30_000,
	});
	const line = stdout.split('\n').find((text) => text.startsWith(`${name} `));
	const uri = line?.split(' ').at(-1);
	if (uri === undefined) throw new Error(`apt knows no source of ${name}`);
	return uri;
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
	if (error.code !== 'ENOENT') throw error;
}
