import type { ServerVolume } from '../../model/server.ts';
import type { SandboxRow } from '../../store/sandboxes.ts';
import type { StoreTransaction } from '../../store/store.ts';
import type { Deps } from '../deps.ts';

/** Writes where a server's volumes are on its host. `all` = it has no others. */
export async function noteVolumes(
	_deps: Deps,
	_tx: StoreTransaction,
	_sandbox: SandboxRow,
	_told: readonly ServerVolume[],
	_all: boolean,
): Promise<void> {}

/** The host is to let go of it. */
export async function volumeGone(_tx: StoreTransaction, _sandbox: SandboxRow, _volumeId: string): Promise<void> {}
