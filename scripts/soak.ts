/** npm run soak [-- --runs N] [--cycles N] [--threads N, of the runs] [--json]: many runs and many openings; memory must stay flat. */
import { parseArgs } from "node:util";
import { soakRows } from "./lib/soak.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100000" },
    cycles: { type: "string", default: "1000" },
    threads: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const rows = await soakRows(
  Number(values.runs),
  Number(values.cycles),
  Number(values.threads),
  ({ what, count, earlyMB, lateMB, mostMB, earlyOutsideMB, lateOutsideMB }) => {
    const figure = (megabytes: number): string => `${megabytes.toFixed(1)} MB`;
    console.error(
      `${count} × ${what}: resident ${figure(earlyMB)} → ${figure(lateMB)} (most ${figure(mostMB)}), outside the heap ${figure(earlyOutsideMB)} → ${figure(lateOutsideMB)}`,
    );
  },
);
if (values.json) console.log(JSON.stringify(rows));
