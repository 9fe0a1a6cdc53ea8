/**
 * Loaded before the command (`node --import`), it fills the disk: every file written through fs/promises that is larger than
 * FULL_DISK_BYTES fails with ENOSPC after its first half, as a real disk does.
 */
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const room = Number(process.env.FULL_DISK_BYTES);
const { open } = promises;

promises.open = async (...args: Parameters<typeof open>) => {
  const handle = await open(...args);
  const { writeFile } = handle;
  handle.writeFile = async (contents, options) => {
    const bytes = typeof contents === "string" ? Buffer.from(contents) : (contents as Uint8Array);
    if (bytes.length <= room) return writeFile.call(handle, contents, options);
    await writeFile.call(handle, bytes.subarray(0, bytes.length / 2));
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", errno: -28, syscall: "write" });
  };
  return handle;
};
syncBuiltinESMExports();
