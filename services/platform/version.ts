/**
 * The release that this code is.
 */
import manifest from './package.json' with { type: 'json' };

/** As in package.json: all workspaces have one version. */
export const VERSION: string = manifest.version;
