/** Options of `zunbox serve`, one for each setting. Loading the schema takes a while, so only completion does. */
export async function settingFlags(): Promise<readonly string[]> {
	const { settings } = await import('../../config/settings.ts');
	return ['--config', ...settings.map((setting) => setting.flag)];
}
