import { homedir } from "node:os";
import { join } from "node:path";

/** Where Goldcrest keeps what it can make or fetch again: $GOLDCREST_CACHE, or the system's folder for caches. */
export function defaultCacheFolder(environment: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  if (environment.GOLDCREST_CACHE) return environment.GOLDCREST_CACHE;
  if (platform === "win32") return join(environment.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "goldcrest", "cache");
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "goldcrest");
  return join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "goldcrest");
}
